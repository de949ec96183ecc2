/** The few records that prove one membership. */
import type { PeerIdText } from '../../common/ids.ts';
import type { KnownRecord } from './known.ts';
import type { Membership } from './membership.ts';
import { newer } from './record.ts';
import type { RecordSet } from './record-set.ts';
import type { RecordHash } from './types.ts';

/** The fleet record, and all that proves this member's place to somebody who knows only the fleet id. */
export function credentialOf(set: RecordSet, membership: Membership, peerId: PeerIdText | undefined): RecordHash[] {
  const newest = [...set.fleets].reduce<KnownRecord | undefined>(newer, undefined);
  const own = peerId === undefined ? undefined : membership.standings.get(peerId)?.memberRecord;
  return dependenciesFirst(
    [newest, own].filter((record) => record !== undefined),
    (record) => proofOf(record, membership),
  );
}

/** What must be there for a record's signer, and its invite's issuer, to have a place. */
function proofOf(record: KnownRecord, { standings }: Membership): KnownRecord[] {
  const signer = standings.get(record.header.signer);
  const issuer = record.invite && standings.get(record.invite.issuer);
  const proof: KnownRecord[] = [];
  if (signer) proof.push(signer.admission);
  if (signer && record !== signer.memberRecord) proof.push(signer.memberRecord);
  if (issuer) proof.push(issuer.memberRecord);
  return proof;
}

/** A depth-first walk without recursion: a chain of admissions may be long. */
function dependenciesFirst(
  roots: readonly KnownRecord[],
  dependencies: (record: KnownRecord) => readonly KnownRecord[],
): RecordHash[] {
  const seen = new Set<RecordHash>();
  const done: RecordHash[] = [];
  const stack: { record: KnownRecord; entered: boolean }[] = [];
  for (const root of roots) {
    stack.push({ record: root, entered: false });
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top.entered) {
        done.push(top.record.hash);
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
