/** Records in an order in which another log can take them, and the few that prove one membership. */
import type { PeerIdText } from '../../common/ids.ts';
import type { ByHash } from './chain.ts';
import { compareText } from './hash.ts';
import { isLasting, isOf } from './record.ts';
import { type Evaluation, newer } from './roster.ts';
import type { RecordHash, StoredRecord } from './types.ts';

/** The wanted ones of these records, each after those that it depends on. */
export function inOrder(records: ByHash, evaluation: Evaluation, wanted: ReadonlySet<StoredRecord>): StoredRecord[] {
  const fleets = [...records.values()].filter((record) => isOf(record, 'fleet'));
  const roots = [...fleets, ...[...wanted].sort(bySequence)];
  return dependenciesFirst(roots, (record) => [
    ...(isLasting(record) ? found(records, [record.header.previous]) : []),
    ...proofOf(record, evaluation),
    ...tipsBehind(record, records, evaluation),
  ]).filter((record) => wanted.has(record));
}

/** The fleet record, and all that proves this member's place to somebody who knows only the fleet id. */
export function credentialOf(records: ByHash, evaluation: Evaluation, peerId: PeerIdText | undefined): StoredRecord[] {
  const fleets = [...records.values()].filter((record) => isOf(record, 'fleet'));
  const newest = fleets.reduce<StoredRecord | undefined>(newer, undefined);
  const own = peerId === undefined ? undefined : evaluation.standings.get(peerId)?.memberRecord;
  return dependenciesFirst(
    [newest, own].filter((record) => record !== undefined),
    (record) => proofOf(record, evaluation),
  );
}

/** What must be there for a record's signer, and its invite's issuer, to have a place. */
function proofOf(record: StoredRecord, { standings }: Evaluation): StoredRecord[] {
  const signer = standings.get(record.header.signer);
  const issuer = record.invite && standings.get(record.invite.issuer);
  const proof: StoredRecord[] = [];
  if (signer) proof.push(signer.admission);
  if (signer && record !== signer.memberRecord) proof.push(signer.memberRecord);
  if (issuer) proof.push(issuer.memberRecord);
  return proof;
}

/** Where a revoked admitter stands behind a record, his words count once his last accepted record is there. */
function tipsBehind(record: StoredRecord, records: ByHash, { standings, cuts }: Evaluation): StoredRecord[] {
  const peers = isLasting(record) ? [record.header.signer, record.invite?.issuer] : [];
  return peers.flatMap((peer) => {
    const admitter = peer && standings.get(peer)?.admission.header.signer;
    return admitter ? found(records, cuts.tips(admitter)) : [];
  });
}

function found(records: ByHash, hashes: readonly (RecordHash | null)[]): StoredRecord[] {
  return hashes.map((hash) => hash && records.get(hash)).filter((record) => record !== null && record !== undefined);
}

/** A depth-first walk without recursion: a chain of records may be long. */
function dependenciesFirst(
  roots: readonly StoredRecord[],
  dependencies: (record: StoredRecord) => readonly StoredRecord[],
): StoredRecord[] {
  const seen = new Set<RecordHash>();
  const done: StoredRecord[] = [];
  const stack: { record: StoredRecord; entered: boolean }[] = [];
  for (const root of roots) {
    stack.push({ record: root, entered: false });
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top.entered) {
        done.push(top.record);
      } else if (!seen.has(top.record.hash)) {
        seen.add(top.record.hash);
        stack.push({ record: top.record, entered: true });
        const before = dependencies(top.record);
        for (let i = before.length - 1; i >= 0; i -= 1) stack.push({ record: before[i]!, entered: false });
      }
    }
  }
  return done;
}

const TYPE_ORDER = ['fleet', 'admission', 'member', 'revocation', 'association', 'naming', 'ending', 'event'];

/** By type, then by signer, epoch and sequence: a signer's records never come before its earlier ones of that type. */
function bySequence(a: StoredRecord, b: StoredRecord): number {
  return (
    TYPE_ORDER.indexOf(a.body.type) - TYPE_ORDER.indexOf(b.body.type) ||
    compareText(a.header.signer, b.header.signer) ||
    compareText(a.header.epoch, b.header.epoch) ||
    a.header.sequence - b.header.sequence ||
    compareText(a.hash, b.hash)
  );
}
