import { readAssignments } from '../base/assignments.ts';
import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import { checkWholeFile } from '../base/whole-file.ts';
import { isGenerated, localeFileOf, readLocale } from './locale.ts';
import { LOCALE_GEN, nameOfLocale, readLocaleGen } from './locale-gen.ts';
import { LOCALE_GEN_ID, LOCALE_GEN_REMEDY, LOCALE_GEN_TITLE, listOf } from './plan-locale.ts';
import type { Environment, LocaleVariable, Variable } from './schema.ts';
import { readShells, SHELLS } from './shells.ts';
import { isUtc, LOCALTIME, readTimeZone, TIMEZONE } from './time-zone.ts';
import { ENVIRONMENT } from './variables.ts';

const group = 'environment';
type Judged = Pick<CheckItem, 'verdict' | 'remedy'>;
const SAME: Judged = { verdict: 'same' };

export function checkEnvironment(content: Environment, system: System): CheckItem[] {
  return [
    ...content.locale.map((one) => checkLocale(one, system)),
    ...content.generatedLocales.map((locale) => checkGenerated(locale, system)),
    ...(content.generatedLocales.length > 0 ? [checkLocaleGen(content.generatedLocales, system)] : []),
    ...(content.timeZone === undefined ? [] : [checkTimeZone(content.timeZone, system)]),
    ...content.variables.map((one) => checkVariable(one, system)),
    ...content.shells.map((shell) => checkShell(shell, system)),
    ...content.files.map((file) => checkWholeFile(file, system, group)),
  ];
}

function checkLocale({ name, value }: LocaleVariable, system: System): CheckItem {
  const observed = readLocale(system).find((one) => one.name === name)?.value ?? 'not set';
  const remedy = `localectl set-locale ${name}=${value}`;
  return {
    ...{ id: `locale:${name}`, group, title: `Language and formats: ${name}`, expected: value, observed },
    evidence: localeFileOf(system),
    ...(observed === value ? SAME : { verdict: observed === 'not set' ? 'failed' : 'person', remedy }),
  };
}

function checkGenerated(locale: string, system: System): CheckItem {
  const name = nameOfLocale(locale);
  const isReady = isGenerated(system, name);
  const isAsked = readLocaleGen(system.text(LOCALE_GEN) ?? '').includes(locale);
  return {
    ...{ id: `generated:${name}`, group, title: `Locale ${name}`, expected: 'asked for' },
    observed: isReady ? 'generated' : isAsked ? 'asked for, not generated yet' : 'neither asked for nor generated',
    evidence: `${LOCALE_GEN}; /usr/lib/locale`,
    ...(isReady || isAsked ? SAME : { verdict: 'failed', remedy: `add ${locale} to ${LOCALE_GEN} and run locale-gen` }),
  };
}

function checkLocaleGen(locales: readonly string[], system: System): CheckItem {
  const missing = locales.filter((locale) => !isGenerated(system, nameOfLocale(locale)));
  return {
    ...{ id: LOCALE_GEN_ID, group, title: LOCALE_GEN_TITLE, expected: 'all generated' },
    observed: missing.length === 0 ? 'all generated' : `without ${listOf(missing)}`,
    evidence: '/usr/lib/locale',
    ...(missing.length === 0 ? SAME : { verdict: 'person', remedy: LOCALE_GEN_REMEDY }),
  };
}

function checkTimeZone(zone: string, system: System): CheckItem {
  const observed = readTimeZone(system) ?? 'UTC';
  const isSame = observed === zone || (isUtc(observed) && isUtc(zone));
  return {
    ...{ id: `timezone:${zone}`, group, title: `Time zone ${zone}`, expected: zone, observed },
    evidence: `${LOCALTIME}, ${TIMEZONE}`,
    ...(isSame ? SAME : { verdict: isUtc(observed) ? 'failed' : 'person', remedy: `timedatectl set-timezone ${zone}` }),
  };
}

/** Values may be secrets, such as a proxy's password: they are never shown. */
function checkVariable({ name, value }: Variable, system: System): CheckItem {
  const there = readAssignments(system.text(ENVIRONMENT) ?? '').find((one) => one.name === name)?.value;
  return {
    ...{ id: `variable:${name}`, group, title: `Environment variable ${name}`, expected: 'as captured' },
    observed: there === value ? 'as captured' : there === undefined ? 'not set' : 'another value',
    evidence: ENVIRONMENT,
    ...(there === value
      ? SAME
      : { verdict: there === undefined ? 'failed' : 'person', remedy: `set ${name} in ${ENVIRONMENT}` }),
  };
}

function checkShell(shell: string, system: System): CheckItem {
  const isThere = readShells(system.text(SHELLS) ?? '').includes(shell);
  const isInstalled = system.facts(shell) !== undefined;
  const remedy = isInstalled ? `add-shell ${shell}` : `install ${shell}, then add-shell ${shell}`;
  return {
    ...{ id: `shell:${shell}`, group, title: `Login shell ${shell}`, expected: 'a login shell' },
    observed: isThere ? 'a login shell' : isInstalled ? `not in ${SHELLS}` : 'not installed',
    evidence: SHELLS,
    ...(isThere ? SAME : { verdict: isInstalled ? 'failed' : 'person', remedy }),
  };
}
