import type { Change } from '../base/change.ts';
import { type ConfigFile, changeOf } from '../base/config-file.ts';
import type { Owners, PlanBuilder, RestoreAbout } from '../base/types.ts';
import { isCronFile, isSystemCrontab, SYSTEM_CRONTAB } from './cron-files.ts';
import { crontabLines, meaningOf, withUsers } from './crontab-lines.ts';
import { planLinger } from './linger.ts';
import { namesMoved } from './moved-paths.ts';
import { planCrontab } from './plan-crontab.ts';
import type { SchedulesContent, Timer } from './schema.ts';
import { whyNoPart, withUnitOwners } from './timers.ts';

export function planSchedules(content: SchedulesContent, plan: PlanBuilder, about: RestoreAbout): void {
  for (const crontab of content.crontabs) planCrontab(crontab, plan, about);
  if (content.system_lines.length > 0) planSystemLines(content.system_lines, plan, about.owners);
  for (const file of content.files) planCronFile(file, plan, about.owners);
  for (const timer of content.timers) planTimer(timer, plan, about.owners);
  for (const username of content.lingering) planLinger(username, plan, about.owners);
  for (const { job, username, due } of content.at_jobs) {
    const name = about.owners.user(username);
    plan.ask(`at:${job}`, `at job of ${name}`, `it was to run on ${due}; ${name} enters it again with at`);
  }
}

/** What was added to /etc/crontab, at its end. */
function planSystemLines(lines: readonly string[], plan: PlanBuilder, owners: Owners): void {
  const id = `file:${SYSTEM_CRONTAB}`;
  const here = plan.system.text(SYSTEM_CRONTAB) ?? '';
  const facts = plan.system.facts(SYSTEM_CRONTAB);
  const mapped = meaningOf(withUsers(lines.join('\n'), owners.user), true);
  if (crontabLines(`${here}\n${lines.join('\n')}`, true).some(({ kind }) => kind === 'broken')) {
    plan.withhold(
      id,
      SYSTEM_CRONTAB,
      'a line is none of a crontab, of those that come or of those that are here',
      'root-runs',
    );
    return;
  }
  const there = new Set(meaningOf(here, true));
  const missing = mapped.filter((line) => !there.has(line));
  const end = here === '' || here.endsWith('\n') ? '' : '\n';
  const text = missing.length === 0 ? here : `${here}${end}${missing.join('\n')}\n`;
  const { mode, uid, gid } = facts ?? { mode: 0o644, uid: 0, gid: 0 };
  const change: Change = { kind: 'file', path: SYSTEM_CRONTAB, content: Buffer.from(text, 'utf8'), mode, uid, gid };
  const detail = `lines come to its end: ${missing.join(' | ').slice(0, 1000)}${namesMoved(text, owners)}`;
  plan.want({ id, title: SYSTEM_CRONTAB, action: 'merge', detail, effect: 'root-runs', changes: [change] });
}

function planCronFile(file: ConfigFile, plan: PlanBuilder, owners: Owners): void {
  const { path } = file;
  const id = `file:${path}`;
  const mapped = mappedCronFile(file, owners);
  const why = whyNoCronFile(file);
  if (why) {
    plan.withhold(id, path, why, 'root-runs');
    return;
  }
  const isThere = plan.system.facts(path) !== undefined;
  const what = file.link === undefined ? 'as it was captured' : `a link to ${file.link}`;
  const detail = `${isThere ? 'is replaced' : 'is added'}, ${what}${namesMoved(file.text ?? '', owners)}`;
  const changes = [ofRoot(changeOf(mapped, owners))];
  plan.want({ id, title: path, action: isThere ? 'replace' : 'add', detail, effect: 'root-runs', changes });
}

function whyNoCronFile({ path, text, link }: ConfigFile): string | undefined {
  if (!isCronFile(path)) return 'it is no file of cron';
  if (!isSystemCrontab(path) || link !== undefined) return undefined;
  if (text === undefined) return 'it is no text';
  const broken = crontabLines(text, true).findIndex(({ kind }) => kind === 'broken');
  return broken === -1 ? undefined : `its line ${broken + 1} is no line of a crontab`;
}

/** With its jobs run by their users' names here. */
export function mappedCronFile(file: ConfigFile, owners: Owners): ConfigFile {
  if (file.text === undefined || !isSystemCrontab(file.path)) return file;
  return { ...file, text: withUsers(file.text, owners.user) };
}

/** What is done by root is root's to change, and of nobody else. */
function ofRoot(change: Change): Change {
  return change.kind === 'file' ? { ...change, uid: 0, gid: 0, mode: change.mode & 0o755 } : change;
}

function planTimer({ name, files }: Timer, plan: PlanBuilder, owners: Owners): void {
  const id = `timer:${name}`;
  const why = files.map(whyNoPart).find((one) => one !== undefined);
  if (why) {
    plan.withhold(id, name, why, 'root-runs');
    return;
  }
  const changes = files.flatMap((file) => {
    const folder = file.path.slice(0, file.path.lastIndexOf('/'));
    const makes: Change[] =
      folder === '/etc/systemd/system' ? [] : [{ kind: 'folder', path: folder, mode: 0o755, uid: 0, gid: 0 }];
    return [...makes, ofRoot(changeOf(mappedUnit(file, owners), owners))];
  });
  const detail = `comes with ${files.map(({ path }) => path).join(', ')}`;
  const isThere = files.some(({ path }) => plan.system.facts(path) !== undefined);
  plan.want({ id, title: name, action: isThere ? 'replace' : 'add', detail, effect: 'root-runs', changes });
}

export function mappedUnit(file: ConfigFile, owners: Owners): ConfigFile {
  return file.text === undefined ? file : { ...file, text: withUnitOwners(file.text, owners) };
}
