import { readAssignments, unquoted } from '../base/assignments.ts';
import type { System } from '../base/system.ts';
import type { LocaleVariable } from './schema.ts';

const DEBIAN = '/etc/default/locale';
const OTHERS = '/etc/locale.conf';
export const LOCALE_FILES = [DEBIAN, OTHERS];

/** Several locales in one file take tens of megabytes; one that is larger is asked of nobody. */
const ARCHIVE_MAX_BYTES = 64 * 1024 * 1024;
const LOCALES = '/usr/lib/locale';

/** Where a machine's locale is set. */
export function localeFileOf(system: System): string {
  const debian = system.facts(DEBIAN);
  if (debian) return debian.kind === 'link' ? OTHERS : DEBIAN;
  if (system.facts(OTHERS)) return OTHERS;
  return system.facts('/var/lib/dpkg/status') ? DEBIAN : OTHERS;
}

export function readLocale(system: System): LocaleVariable[] {
  return readAssignments(system.text(localeFileOf(system)) ?? '')
    .map(({ name, value }) => ({ name, value: unquoted(value) }))
    .filter(({ value }) => value !== '');
}

/** What a machine has before anybody chose. */
export const isUnchosen = (value: string): boolean => /^(C|POSIX)(\.UTF-?8)?$/i.test(value);

/** Whether programs can use a locale on a machine, by its name such as `de_DE.UTF-8`. */
export function isGenerated(system: System, name: string): boolean {
  const plain = normal(name);
  if (isUnchosen(name)) return true;
  if (system.list(LOCALES).some((one) => normal(one) === plain)) return true;
  const said = system.isLive ? system.run('locale', ['-a']) : undefined;
  if (said?.status === 0) return said.stdout.split('\n').some((one) => normal(one) === plain);
  const archive = system.read(`${LOCALES}/locale-archive`, ARCHIVE_MAX_BYTES);
  return archive?.includes(`\0${plain}\0`, 0, 'latin1') ?? false;
}

/** As glibc files it: the character set in small letters without dashes. */
function normal(name: string): string {
  const [, language = '', set = '', modifier = ''] = /^([^.@]*)(\.[^@]*)?(@.*)?$/.exec(name) ?? [];
  return `${language}${set.toLowerCase().replaceAll('-', '')}${modifier}`;
}
