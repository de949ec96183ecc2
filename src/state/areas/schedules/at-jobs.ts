import { readPasswd } from '../accounts/account-lines.ts';
import type { System } from '../base/system.ts';
import type { SchedulesContent } from './schema.ts';
import { AT_SPOOLS } from './spool.ts';

/** A queue's letter, five digits of the job's number, eight of the minutes since 1970, in hexadecimal. */
const NAME = /^[A-Za-z=][0-9a-f]{5}([0-9a-f]{8})$/u;

/** Jobs that are still to come, for at(1) to be told again by people: what they need of an old machine nobody knows. */
export function atJobsOf(system: System, nowMs: number, users?: ReadonlySet<string>): SchedulesContent['at_jobs'] {
  const names = new Map(readPasswd(system).entries.map(({ name, uid }) => [uid, name]));
  return AT_SPOOLS.flatMap((folder) =>
    system.list(folder).flatMap((job) => {
      const [, minutes] = NAME.exec(job) ?? [];
      const facts = system.facts(`${folder}/${job}`);
      const dueMs = Number.parseInt(minutes ?? '0', 16) * 60_000;
      const username = facts ? (names.get(facts.uid) ?? String(facts.uid)) : '';
      const isWanted = facts?.kind === 'file' && dueMs > nowMs && (users === undefined || users.has(username));
      return isWanted ? [{ job, username, due: new Date(dueMs).toISOString() }] : [];
    }),
  );
}
