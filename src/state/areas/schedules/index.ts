import { defineArea } from '../base/define-area.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { captureSchedules } from './capture.ts';
import { checkSchedules } from './check.ts';
import { isSystemCrontab } from './cron-files.ts';
import { crontabLines } from './crontab-lines.ts';
import { LINGER } from './linger.ts';
import { planSchedules } from './plan.ts';
import { type SchedulesContent, schedulesSchema } from './schema.ts';
import { UNITS } from './timers.ts';

const SPOOL = '/var/spool/cron/';

/** Crontabs of users and of the system, cron's folders, timers of systemd; at jobs are listed. */
export const schedulesArea = defineArea<SchedulesContent>({
  name: 'schedules',
  version: 1,
  schema: schedulesSchema,
  writes: [
    LINGER,
    `${LINGER}/*`,
    `${SPOOL}*`,
    `${SPOOL}crontabs/*`,
    `${SPOOL}tabs/*`,
    '/etc/crontab',
    '/etc/anacrontab',
    '/etc/cron.*',
    '/etc/cron.*/*',
    '/etc/at.*',
    `${UNITS}/*.timer`,
    `${UNITS}/*.service`,
    `${UNITS}/*.d`,
    `${UNITS}/*.d/*`,
    `${UNITS}/*.wants`,
    `${UNITS}/*.wants/*`,
    `${UNITS}/*.requires`,
    `${UNITS}/*.requires/*`,
  ],
  capture: captureSchedules,
  plan: planSchedules,
  check: checkSchedules,
  validate: validateSchedules,
  activate: startTimers,
});

/** What was written is read again by the rules of cron and of unit files. */
function validateSchedules(system: System, changed: ReadonlySet<string>): readonly Problem[] {
  return [...changed].flatMap((path): Problem[] => {
    const text = system.text(path);
    const isCrontab = path.startsWith(SPOOL) || isSystemCrontab(path);
    if (text === undefined) return [];
    if (isCrontab) {
      const broken = crontabLines(text, isSystemCrontab(path)).findIndex(({ kind }) => kind === 'broken');
      return broken === -1 ? [] : [{ what: path, why: `line ${broken + 1} is no line of a crontab` }];
    }
    const isTimer = path.startsWith(`${UNITS}/`) && path.endsWith('.timer') && system.facts(path)?.kind === 'file';
    return isTimer && !/^[^\S\n]*\[Timer\][^\S\n]*$/mu.test(text)
      ? [{ what: path, why: 'it has no section [Timer]' }]
      : [];
  });
}

/** cron looks every minute by itself. */
function startTimers(system: System, changed: ReadonlySet<string>): readonly Problem[] {
  const units = [...changed].filter((path) => path.startsWith(`${UNITS}/`));
  if (units.length === 0) return [];
  const reload = system.run('systemctl', ['daemon-reload']);
  if (reload === undefined) return [];
  const links = units.filter((path) => /\.(?:wants|requires)\/[^/]+\.timer$/u.test(path));
  const names = links.map((path) => path.slice(path.lastIndexOf('/') + 1));
  return names.flatMap((name) => {
    const started = system.run('systemctl', ['start', name]);
    return started?.status === 0 ? [] : [{ what: name, why: started?.stderr.trim() || 'it did not start' }];
  });
}
