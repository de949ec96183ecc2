/** The roster: what records say, for those who ask. A pure function of the set of records. */
import type { FleetId } from '../../common/ids.ts';
import { Judgement } from './judgement.ts';
import { RecordSet } from './record-set.ts';
import type { Roster, StoredRecord } from './types.ts';

/** The roster of a set of verified records; those of other fleets count for nothing. */
export function computeRoster(records: Iterable<StoredRecord>, fleetId: FleetId): Roster {
  const set = new RecordSet();
  for (const record of records) {
    if (record.header.fleetId !== fleetId || set.byHash.get(record.hash)) continue;
    set.add({ ...record, number: 0, bytes: record.envelope.length });
  }
  return rosterOf(new Judgement(set), fleetId);
}

/** A snapshot: it does not change when more records come. */
export function rosterOf({ membership, migrations }: Judgement, fleetId: FleetId | undefined): Roster {
  const { authority, members } = membership;
  return {
    fleetId,
    authority,
    fleet: membership.fleet,
    authorityTime: membership.authorityTime,
    members,
    ...migrations.snapshot(),
    // What strangers did is nobody's business, and not all have kept it.
    forks: membership.forks.list.filter(({ signer }) => signer === authority || members.has(signer)),
    problems: membership.problems,
  };
}
