import { readPasswd } from '../accounts/account-lines.ts';
import type { CheckItem } from '../base/check-item.ts';
import { type ConfigFile, hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { Owners, RestoreAbout } from '../base/types.ts';
import { isSystemCrontab, SYSTEM_CRONTAB } from './cron-files.ts';
import { crontabLines, meaningOf, withUsers } from './crontab-lines.ts';
import { checkLinger } from './linger.ts';
import { mappedCronFile, mappedUnit } from './plan.ts';
import type { SchedulesContent, Timer } from './schema.ts';
import { AT_SPOOLS, spoolOf } from './spool.ts';

const GROUP = 'schedules';
const AGAIN = 'restore the area schedules again';

export function checkSchedules(
  content: SchedulesContent,
  system: System,
  { owners }: RestoreAbout,
): readonly CheckItem[] {
  const { crontabs, system_lines, files, timers, lingering, at_jobs } = content;
  return [
    ...crontabs.map((crontab) => checkCrontab(crontab, system, owners)),
    ...(system_lines.length > 0 ? [checkLines(system_lines, system, owners)] : []),
    ...files.map((file) => checkFile(file, system, owners)),
    ...timers.map((timer) => checkTimer(timer, system, owners)),
    ...lingering.map((username) => checkLinger(username, system, owners)),
    ...at_jobs.map((job) => checkAtJob(job, system, owners)),
  ];
}

const count = (jobs: number): string => `${jobs} ${jobs === 1 ? 'job' : 'jobs'}`;
const jobsOf = (text: string, withUser: boolean): number =>
  crontabLines(text, withUser).filter(({ kind }) => kind === 'job').length;
/** Of lines that should be there, those that are not. */
const missingOf = (wished: readonly string[], there: readonly string[]): string[] =>
  wished.filter((line) => !there.includes(line));

function checkCrontab(
  { username, text }: SchedulesContent['crontabs'][number],
  system: System,
  owners: Owners,
): CheckItem {
  const name = owners.user(username);
  const path = `${spoolOf(system) ?? '/var/spool/cron/crontabs'}/${name}`;
  const here = system.text(path);
  const facts = system.facts(path);
  const missing = missingOf(meaningOf(text, false), meaningOf(here ?? '', false));
  const uid = readPasswd(system).entries.find((entry) => entry.name === name)?.uid;
  // cron reads no crontab that others could have written.
  const isSafe = facts?.uid === uid && ((facts?.mode ?? 0) & 0o022) === 0;
  const problem = whatIsWrong();
  return {
    id: `crontab:${username}`,
    group: GROUP,
    title: `crontab of ${name}`,
    expected: count(jobsOf(text, false)),
    observed: here === undefined ? 'none' : `${count(jobsOf(here, false))}${problem ? `; ${problem}` : ''}`,
    verdict: problem ? 'failed' : name === username && isAll() ? 'same' : 'changed',
    evidence: `the file ${path}`,
    ...(problem && { remedy: here === undefined || isSafe ? AGAIN : `chown ${name} ${path}; chmod 600 ${path}` }),
  };

  function whatIsWrong(): string | undefined {
    if (here === undefined) return 'it is missing';
    if (missing.length > 0) return `${count(missing.length)} of the captured ones missing`;
    return isSafe ? undefined : 'cron does not read it, since it is not of its user alone';
  }

  function isAll(): boolean {
    return missingOf(meaningOf(here ?? '', false), meaningOf(text, false)).length === 0;
  }
}

function checkLines(lines: readonly string[], system: System, owners: Owners): CheckItem {
  const wished = meaningOf(withUsers(lines.join('\n'), owners.user), true);
  const missing = missingOf(wished, meaningOf(system.text(SYSTEM_CRONTAB) ?? '', true));
  return {
    id: `file:${SYSTEM_CRONTAB}`,
    group: GROUP,
    title: SYSTEM_CRONTAB,
    expected: `${lines.length} lines of one’s own`,
    observed: `${wished.length - missing.length} of them`,
    verdict: missing.length > 0 ? 'failed' : wished.join('\n') === lines.join('\n') ? 'same' : 'changed',
    evidence: `the lines of ${SYSTEM_CRONTAB}`,
    ...(missing.length > 0 && { remedy: AGAIN }),
  };
}

function checkFile(file: ConfigFile, system: System, owners: Owners): CheckItem {
  const { path } = file;
  const mapped = mappedCronFile(file, owners);
  const facts = system.facts(path);
  const isCrontab = isSystemCrontab(path) && mapped.text !== undefined;
  const isContent = isCrontab
    ? missingOf(meaningOf(mapped.text ?? '', true), meaningOf(system.text(path) ?? '', true)).length === 0
    : hasContentOf(system, mapped);
  const isOwned =
    facts?.kind === 'link' ||
    ((facts?.uid === 0 || facts?.uid === file.uid) && (facts.mode & 0o111) === (file.mode & 0o111));
  const isRight = facts !== undefined && isContent && isOwned;
  return {
    id: `file:${path}`,
    group: GROUP,
    title: path,
    expected: isCrontab ? count(jobsOf(mapped.text ?? '', true)) : 'as it was captured',
    observed:
      facts === undefined
        ? 'not there'
        : !isContent
          ? 'with other content'
          : isOwned
            ? 'there'
            : 'with another owner or mode',
    verdict: isRight ? (mapped.text === file.text ? 'same' : 'changed') : 'failed',
    evidence: `the file ${path}`,
    ...(!isRight && { remedy: AGAIN }),
  };
}

function checkTimer({ name, files }: Timer, system: System, owners: Owners): CheckItem {
  const mapped = files.map((file) => mappedUnit(file, owners));
  const wrong = mapped.filter((file) => !hasContentOf(system, file)).map(({ path }) => path);
  const isSame = mapped.every(({ text }, index) => text === files[index]?.text);
  return {
    id: `timer:${name}`,
    group: GROUP,
    title: name,
    expected: `${files.length} files, ${files.some(({ link }) => link) ? 'enabled' : 'not enabled'}`,
    observed: wrong.length === 0 ? 'all of them' : `missing or other: ${wrong.slice(0, 5).join(', ')}`,
    verdict: wrong.length > 0 ? 'failed' : isSame ? 'same' : 'changed',
    evidence: files
      .map(({ path }) => path)
      .slice(0, 5)
      .join(', '),
    ...(wrong.length > 0 && { remedy: AGAIN }),
  };
}

function checkAtJob(
  { job, username, due }: SchedulesContent['at_jobs'][number],
  system: System,
  owners: Owners,
): CheckItem {
  const isThere = AT_SPOOLS.some((folder) => system.facts(`${folder}/${job}`) !== undefined);
  const name = owners.user(username);
  return {
    id: `at:${job}`,
    group: GROUP,
    title: `at job of ${name}`,
    expected: `it runs on ${due}`,
    observed: isThere ? 'it waits' : 'not there',
    verdict: isThere ? 'same' : 'person',
    evidence: `the file ${job} in at’s spool`,
    ...(!isThere && { remedy: `${name} enters it again with at` }),
  };
}
