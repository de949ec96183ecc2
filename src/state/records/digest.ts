/**
 * What a log has, in short. An entry says how far one signer's start is known without a gap in its chain, with a
 * fingerprint in two halves: over the lasting records up to there, and over the member records, which are outside the
 * chain because newer ones replace them. Equal halves: only later records are missing. Unequal: a gap or a fork, so all
 * of that kind is offered.
 */
import { ResettleError } from '../../common/errors.ts';
import { peerIdText } from '../../common/ids.ts';
import { DIGEST_ENTRIES_MAX } from '../../common/limits.ts';
import type { ByHash } from './chain.ts';
import { blake3, compareText } from './hash.ts';
import { isLasting } from './record.ts';
import type { DigestEntry, StoredRecord } from './types.ts';

const FINGERPRINT_HALF_BYTES = 16;

/** The records of one signer's start: the lasting ones by sequence, and the member records. */
interface Epoch {
  readonly lasting: StoredRecord[];
  readonly members: StoredRecord[];
}

type Epochs = ReadonlyMap<string, Epoch>;

/** Records that may be passed on, by signer and epoch. */
export function epochsOf(records: ByHash): Epochs {
  const epochs = new Map<string, Epoch>();
  for (const record of records.values()) {
    const key = epochKey(record.header);
    const epoch = epochs.get(key) ?? { lasting: [], members: [] };
    epochs.set(key, epoch);
    (isLasting(record) ? epoch.lasting : epoch.members).push(record);
  }
  for (const { lasting } of epochs.values()) lasting.sort((a, b) => a.header.sequence - b.header.sequence);
  return epochs;
}

export function digestOf(epochs: Epochs): DigestEntry[] {
  const entries = [...epochs.values()].map(({ lasting, members }) => {
    const { signer, epoch } = (lasting[0] ?? members[0])!.header;
    const sequence = lasting.at(-1)?.header.sequence ?? 0;
    return { signer, epoch, sequence, fingerprint: fingerprintHalf(lasting) + fingerprintHalf(members) };
  });
  return entries.sort((a, b) => compareText(a.signer, b.signer) || compareText(a.epoch, b.epoch));
}

/** What a log lacks; of `suspect` it may have a part, because fingerprints do not say which. */
export interface Lacked {
  readonly sure: Set<StoredRecord>;
  readonly suspect: Set<StoredRecord>;
}

/** The records, of those that may be passed on, that a log with this digest lacks. */
export function lackedBy(digest: readonly DigestEntry[], epochs: Epochs): Lacked {
  const theirs = new Map(digest.map((entry) => [epochKey(entry), entry]));
  const lacked: Lacked = { sure: new Set(), suspect: new Set() };
  for (const [key, epoch] of epochs) addLacked(epoch, theirs.get(key), lacked);
  return lacked;
}

function addLacked({ lasting, members }: Epoch, theirs: DigestEntry | undefined, { sure, suspect }: Lacked): void {
  const last = lasting.at(-1)?.header.sequence ?? 0;
  const add = (records: readonly StoredRecord[], to: Set<StoredRecord>): void => {
    for (const record of records) to.add(record);
  };
  if (!theirs) {
    add(lasting, sure);
    add(members, sure);
    return;
  }
  if (!theirs.fingerprint.endsWith(fingerprintHalf(members))) add(members, members.length > 1 ? suspect : sure);
  // Whoever has more can compare the shared part, so it is left to him.
  if (theirs.sequence > last) return;
  const shared = lasting.filter(({ header }) => header.sequence <= theirs.sequence);
  if (theirs.fingerprint.startsWith(fingerprintHalf(shared))) add(lasting.slice(shared.length), sure);
  else add(lasting, suspect);
}

/** Most starts have no record or one: those need no hashing, and a digest may have thousands of entries. */
function fingerprintHalf(records: readonly StoredRecord[]): string {
  const digits = FINGERPRINT_HALF_BYTES * 2;
  if (records.length === 0) return '0'.repeat(digits);
  if (records.length === 1) return records[0]!.hash.slice(0, digits);
  const hashes = records.map((record) => record.hash).sort(compareText);
  return blake3(Buffer.from(hashes.join(''))).toString('hex', 0, FINGERPRINT_HALF_BYTES);
}

function epochKey({ signer, epoch }: { signer: string; epoch: string }): string {
  return `${signer}/${epoch}`;
}

/** Checks a digest that came from outside. Throws `refused`. */
export function checkDigest(entries: readonly DigestEntry[]): void {
  const refuse = (message: string): never => {
    throw new ResettleError('refused', message, { hint: 'the sender is damaged, hostile or of another version' });
  };
  if (entries.length > DIGEST_ENTRIES_MAX) refuse(`the digest has more than ${DIGEST_ENTRIES_MAX} entries`);
  for (const { signer, epoch, sequence, fingerprint: print } of entries) {
    if (!/^[0-9a-f]{16}$/.test(epoch) || !/^[0-9a-f]{64}$/.test(print)) refuse('the digest has a malformed entry');
    if (!Number.isSafeInteger(sequence) || sequence < 0) refuse('the digest has a malformed sequence');
    if (!isPeerId(signer)) refuse('the digest names a malformed peer id');
  }
}

function isPeerId(text: string): boolean {
  try {
    return peerIdText(text) === text;
  } catch {
    return false;
  }
}
