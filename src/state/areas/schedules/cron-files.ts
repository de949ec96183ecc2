import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { crontabLines, meaningOf, soundCrontab } from './crontab-lines.ts';

const FOLDERS = ['d', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'].map((name) => `/etc/cron.${name}`);
const SINGLE = ['/etc/anacrontab', '/etc/cron.allow', '/etc/cron.deny', '/etc/at.allow', '/etc/at.deny'];
/** Names that cron and run-parts look at. */
const RUN = /^[A-Za-z0-9_-]+$/u;

export const SYSTEM_CRONTAB = '/etc/crontab';
export const isSystemCrontab = (path: string): boolean => path.startsWith('/etc/cron.d/') || path === SYSTEM_CRONTAB;
export const isCronFile = (path: string): boolean =>
  SINGLE.includes(path) ||
  FOLDERS.some((folder) => path.startsWith(`${folder}/`) && RUN.test(path.slice(folder.length + 1)));

/** Files of cron that no package brought as they are. */
export function cronFilesOf(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const paths = [...SINGLE, ...FOLDERS.flatMap((folder) => system.list(folder).map((name) => `${folder}/${name}`))];
  return paths.filter(isCronFile).flatMap((path): ConfigFile[] => {
    const kind = system.facts(path)?.kind;
    if ((kind !== 'file' && kind !== 'link') || dpkg.isPristine(path)) return [];
    const file = readConfigFile(system, path);
    if (!file) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    if (!file || file.text === undefined || !isSystemCrontab(path)) return file ? [file] : [];
    return [{ ...file, text: sound(file.text, path, true, couldNot) }];
  });
}

/** A crontab without the lines that cron would stumble over, which are named. */
export function sound(text: string, what: string, withUser: boolean, couldNot: CouldNot[]): string {
  const lines = crontabLines(text, withUser);
  for (const [index, { kind }] of lines.entries()) {
    if (kind === 'broken')
      couldNot.push({ what: `line ${index + 1} of ${what}`, why: 'it is no line of a crontab; correct it' });
  }
  return soundCrontab(lines);
}

/** What distributions write into /etc/crontab themselves. */
const STANDARD = [
  /^SHELL=\/bin\/(?:ba)?sh$/u,
  /^PATH=[\w/:]+$/u,
  /^MAILTO=root$/u,
  /\brun-parts\b.*\/etc\/cron\.\w+\b/u,
];

/** Lines of /etc/crontab that somebody added. */
export function addedLines(system: System, couldNot: CouldNot[]): string[] {
  if (dpkgOf(system).isPristine(SYSTEM_CRONTAB)) return [];
  const text = system.text(SYSTEM_CRONTAB) ?? '';
  return meaningOf(sound(text, SYSTEM_CRONTAB, true, couldNot), true).filter(
    (line) => !STANDARD.some((pattern) => pattern.test(line)),
  );
}
