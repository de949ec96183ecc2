/**
 * Makes the golden stores of this version of the format, once, as root: `sh bin/node test/golden/make.ts`. What is
 * committed is never made anew: every later version must read it (docs/FORMAT.md). The keys in it are public.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { peerIdText } from '../../src/common/ids.ts';
import { describeSnapshot, planCapture } from '../../src/state/capture/index.ts';
import { digest, newStateId, wrapStateKey, wrapStateKeyByPassphrase } from '../../src/state/format/index.ts';
import { Store, storeSink } from '../../src/state/store/index.ts';
import { changeTree, makeTree } from './tree.ts';
import { walkFolder } from './walk.ts';

const OUT = join(import.meta.dirname, 'v1');
const PASSPHRASE = 'golden passphrase, known to all';

const on = { onProgress() {}, signal: new AbortController().signal };

/** One store of one state: a snapshot of `home` after each of the changes. Returns what it should hold. */
async function makeStore(
  name: string,
  changes: readonly ((home: string) => void)[],
  wrapTo: 'passphrase' | 'identity',
) {
  const folder = mkdtempSync(join(tmpdir(), 'resettle-golden-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const privateKey = await generateKeyPair('Ed25519');
  const source = peerIdText(peerIdFromPrivateKey(privateKey).toString());
  const stateId = newStateId(source, randomBytes(32));
  const stateKey = randomBytes(32);
  const store = await Store.open(join(OUT, name), { create: true });
  await store.createState(stateId);
  await store.writeInfo(stateId, { version: 1, state: stateId, source });
  const snapshots = [];
  let previous: Uint8Array | undefined;
  for (const [index, change] of changes.entries()) {
    change(home);
    const capture = await planCapture(
      {
        paths: [Buffer.from(home)],
        exclude: [],
        scratchDir: folder,
        stateId,
        stateKey,
        cacheFile: join(folder, 'cache.db'),
        settleMs: 0,
        missingPacks: (packs) => store.missingPacks(stateId, packs),
      },
      on,
    );
    const result = await capture.run(storeSink(store, stateId), on);
    const descriptor = await describeSnapshot(result, {
      stateId,
      stateKey,
      association: undefined,
      snapshot: index + 1,
      previous,
      capturedAtNs: 1_700_000_000_123_456_789n + BigInt(index),
      machineName: 'golden laptop',
      platform: 'linux x64',
      privateKey,
    });
    await capture.committed();
    await capture.close();
    await store.writeDescriptor(stateId, index + 1, descriptor);
    previous = digest(descriptor);
    snapshots.push({ snapshot: index + 1, items: walkFolder(home) });
  }
  const key = await wrapKey(store, stateId, stateKey, source, wrapTo);
  await store.close();
  rmSync(join(OUT, name, 'tmp'), { recursive: true });
  rmSync(folder, { recursive: true });
  return { store: name, state: stateId, source, ...key, snapshots };
}

async function wrapKey(
  store: Store,
  state: Parameters<Store['writeKey']>[0],
  stateKey: Uint8Array,
  source: ReturnType<typeof peerIdText>,
  to: 'passphrase' | 'identity',
) {
  if (to === 'passphrase') {
    await store.writeKey(state, 'passphrase', await wrapStateKeyByPassphrase(stateKey, PASSPHRASE));
    return { passphrase: PASSPHRASE };
  }
  const identity = await generateX25519Identity();
  await store.writeKey(state, source, await wrapStateKey(stateKey, await identityToRecipient(identity)));
  return { keyFile: source, identity };
}

if (existsSync(OUT)) throw new Error(`${OUT} is there already: it is never made anew`);
const stores = [
  await makeStore('everything', [makeTree], 'passphrase'),
  await makeStore('incremental', [makeTree, changeTree], 'identity'),
];
for (const expected of stores) {
  writeFileSync(join(OUT, `${expected.store}.json`), `${JSON.stringify(expected, undefined, 1)}\n`);
}
