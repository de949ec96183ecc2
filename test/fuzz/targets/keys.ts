/** Key files, shares, deals, recovery files, and the keys of an agent. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import type { AssociationId, StateId } from '../../../src/common/ids.ts';
import type { Home } from '../../../src/node/home/home.ts';
import { openIdentity } from '../../../src/node/identity/identity.ts';
import { readRecoveryFile } from '../../../src/node/membership/recovery-file.ts';
import { unwrapStateKey, unwrapStateKeyByPassphrase, wrapStateKey } from '../../../src/state/format/key-files.ts';
import { combineShares, dealShares, openDeal, readDeal, shareHash } from '../../../src/state/keys/deal.ts';
import { makeTicketKey, openTicketKey } from '../../../src/state/keys/ticket-key.ts';
import { SeededRandom } from '../random.ts';
import { type Target, target } from '../target.ts';
import { MADE_UP } from './fleet.ts';
import { randomBytesOf } from './some.ts';

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const STATE_KEY = new Uint8Array(32).fill(7);
const random = new SeededRandom(1);
const about = { association: 'ab'.repeat(32) as AssociationId, state: 'cd'.repeat(32) as StateId };
const { deal, shares } = await dealShares(new Uint8Array(64).fill(9), {
  ...{ ...about, terms: { needed: 2, total: 3 }, privateKey: MADE_UP.key, random: randomBytesOf(random) },
});
const [first, second] = shares as [Uint8Array, Uint8Array];
const ticket = await makeTicketKey([recipient]);
const scratch = mkdtempSync(join(tmpdir(), 'resettle-fuzz-keys-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

/** Files under a passphrase that ask for little work, so that many can be tried. */
async function underPassphrase(text: string | Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase('secret words');
  encrypter.setScryptWorkFactor(2);
  return encrypter.encrypt(text as string);
}
const passphraseFile = await underPassphrase(STATE_KEY);
const authority = Buffer.from(privateKeyToProtobuf(MADE_UP.authorityKey)).toString('base64');
const recoveryText = `# resettle recovery file, version 1\nauthority ${authority}\n${identity}\n`;
const recoveryFile = await underPassphrase(recoveryText);
/** What scrypt is asked for beyond this would take seconds each: a target of its own looks at the cap. */
const WORDS = ['scrypt', 'X25519', '-> ', '---', 'age-encryption.org/v1', '18', '19', '20', '63', '99', '1', '2', '3'];

/** Whoever asks for so much work is refused before any of it is done. */
const isDear = (bytes: Uint8Array): boolean =>
  /scrypt \S+ (1\d|[4-9]|20)\s/.test(Buffer.from(bytes).toString('latin1'));

const identityFiles = new Map<string, Uint8Array>([
  ['identity.key', privateKeyToProtobuf(MADE_UP.key)],
  ['age.key', Buffer.from(`${identity}\n`)],
]);

function identityWith(name: string, bytes: Uint8Array): Promise<unknown> {
  const home = {
    read: (file: string) => Buffer.from(file === name ? bytes : identityFiles.get(file)!),
    path: (file: string) => file,
  };
  return openIdentity(home as unknown as Home);
}

export const KEYS: readonly Target[] = [
  target({
    ...{ name: 'key-file', shape: 'lines', words: WORDS, refusals: ['refused', 'damaged'], weight: 0.2 },
    valid: () => wrapStateKey(STATE_KEY, recipient),
    decode: (bytes) => unwrapStateKey(bytes, identity),
  }),
  target({
    ...{ name: 'key-file-passphrase', shape: 'lines', words: WORDS, refusals: ['refused', 'damaged'], weight: 0.2 },
    valid: () => passphraseFile,
    decode: (bytes) => (isDear(bytes) ? undefined : unwrapStateKeyByPassphrase(bytes, 'secret words')),
  }),
  target({
    ...{ name: 'recovery-file', shape: 'lines', words: WORDS, refusals: ['refused', 'damaged'], weight: 0.1 },
    valid: () => recoveryFile,
    decode: (bytes) => readRecovery(bytes),
  }),
  target({
    ...{ name: 'recovery-file-inside', shape: 'lines', refusals: ['refused', 'damaged'], weight: 0.1 },
    ...{ words: ['authority ', 'AGE-SECRET-KEY-1', '#'] },
    valid: () => Buffer.from(recoveryText),
    decode: async (bytes) => readRecovery(await underPassphrase(Buffer.from(bytes).toString('utf8'))),
  }),
  target({
    ...{ name: 'deal', shape: 'bytes', refusals: ['damaged'], isCanonical: true },
    valid: () => deal.bytes,
    decode: readDeal,
    encode: ({ bytes }) => bytes,
  }),
  target({
    ...{ name: 'deal-signed', shape: 'bytes', refusals: ['damaged', 'refused'], weight: 0.3 },
    valid: () => deal.bytes,
    decode: (bytes) => openDeal(bytes, MADE_UP.ann.peerId),
  }),
  target({
    ...{ name: 'share', shape: 'bytes', refusals: ['damaged', 'usage'] },
    valid: () => first,
    decode: (bytes) => combineShares(deal, [bytes, second]),
  }),
  target({
    ...{ name: 'shares-of-a-bad-deal', shape: 'bytes', refusals: ['damaged', 'usage'], weight: 0.5 },
    valid: () => first,
    decode: async (bytes) => {
      // The source may have dealt what it likes: the hashes are right, the shares are not.
      const dealt = { ...deal, hashes: [bytes, second].map((one) => shareHash(one)) };
      return combineShares(dealt, [bytes, second]);
    },
  }),
  target({
    ...{ name: 'ticket-key', shape: 'lines', words: WORDS, refusals: ['refused', 'damaged'], weight: 0.2 },
    valid: () => ticket.sealed,
    decode: (bytes) => openTicketKey({ recipient: ticket.recipient, sealed: bytes }, identity),
  }),
  target({
    ...{
      name: 'ticket-key-inside',
      shape: 'words',
      words: ['AGE-SECRET-KEY-1', 'age1', 'q'],
      refusals: ['refused', 'damaged'],
    },
    weight: 0.1,
    valid: () => Buffer.from(identity),
    decode: async (bytes) => {
      const encrypter = new Encrypter();
      encrypter.addRecipient(recipient);
      const sealed = await encrypter.encrypt(Buffer.from(bytes).toString('utf8'));
      return openTicketKey({ recipient, sealed }, identity);
    },
  }),
  ...[...identityFiles].map(([name, valid]) =>
    target({
      ...{ name: name.replace('.', '-'), shape: 'bytes', refusals: ['damaged'], weight: 0.1 },
      valid: () => valid,
      decode: (bytes) => identityWith(name, bytes),
    }),
  ),
];

function readRecovery(bytes: Uint8Array): Promise<unknown> | undefined {
  if (isDear(bytes)) return undefined;
  const path = join(scratch, 'recovery');
  writeFileSync(path, bytes);
  return readRecoveryFile(path, 'secret words');
}
