import { ACCOUNTS_PEOPLE_MAX } from '../../../common/limits.ts';
import { readPasswd } from '../accounts/account-lines.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { isOneself } from '../homes/oneself.ts';
import { atJobsOf } from './at-jobs.ts';
import { addedLines, cronFilesOf, sound } from './cron-files.ts';
import { meaningOf, withoutHeader } from './crontab-lines.ts';
import { lingeringOf } from './linger.ts';
import type { SchedulesContent } from './schema.ts';
import { spoolOf } from './spool.ts';
import { timersOf } from './timers.ts';

/** Crontabs, cron's folders, timers, and what waits for at; nothing that packages brought. */
export function captureSchedules(system: System, about: CaptureAbout): Captured<SchedulesContent> | undefined {
  const couldNot: CouldNot[] = [];
  const content = {
    crontabs: crontabsOf(system, about, couldNot),
    system_lines: addedLines(system, couldNot),
    files: cronFilesOf(system, couldNot),
    timers: timersOf(system, couldNot),
    lingering: lingeringOf(system, about.users).slice(0, ACCOUNTS_PEOPLE_MAX),
    at_jobs: atJobsOf(system, about.nowMs, about.users),
  };
  const isNothing = Object.values(content).every((list) => list.length === 0) && couldNot.length === 0;
  return isNothing ? undefined : { content, couldNot };
}

function crontabsOf(system: System, { users }: CaptureAbout, couldNot: CouldNot[]): SchedulesContent['crontabs'] {
  const spool = spoolOf(system);
  if (spool === undefined) return [];
  if (system.isUnreadable(spool)) return ownCrontab(system, couldNot);
  const known = readPasswd(system).entries.filter(({ name }) => users === undefined || users.has(name));
  return known.flatMap(({ name }) => {
    const path = `${spool}/${name}`;
    if (system.facts(path)?.kind !== 'file') return [];
    const text = system.text(path);
    if (text === undefined) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    return text === undefined ? [] : crontab(name, text, couldNot);
  });
}

/** A plain user does not see the spool, but crontab shows him his own. */
function ownCrontab(system: System, couldNot: CouldNot[]): SchedulesContent['crontabs'] {
  const oneself = readPasswd(system).entries.find(({ uid }) => isOneself(uid));
  const shown = system.isLive && oneself ? system.run('crontab', ['-l']) : undefined;
  if (shown?.status === 0 && oneself) return crontab(oneself.name, shown.stdout, couldNot);
  couldNot.push({ what: 'crontabs', why: 'they cannot be read; run as root' });
  return [];
}

function crontab(username: string, text: string, couldNot: CouldNot[]): SchedulesContent['crontabs'] {
  const kept = sound(withoutHeader(text), `the crontab of ${username}`, false, couldNot);
  return meaningOf(kept, false).length > 0 ? [{ username, text: kept }] : [];
}
