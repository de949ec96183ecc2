import type { CheckItem } from '../base/check-item.ts';
import { type ConfigFile, hasContentOf } from '../base/config-file.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { checkWholeFile } from '../base/whole-file.ts';
import { connectedMonitors, isSameMonitor } from './edid.ts';
import { readKeyFile, valueIn } from './key-file.ts';
import { loginScreenOf } from './login-screen.ts';
import { configurationsOf, describeMonitor, MONITOR_FILES } from './monitors.ts';
import { homeOf } from './people.ts';
import {
  idOfMonitor,
  idOfScript,
  LOGIN_SCREEN_ID,
  monitorRemedy,
  SCRIPT_REMEDY,
  titleOfMonitor,
  titleOfScript,
} from './plan.ts';
import { idOfSession, titleOfSession, wishedValues } from './plan-session.ts';
import type { Display, Monitor, PersonDisplay, Session, Timeout } from './schema.ts';
import { scriptsOf } from './scripts.ts';
import { describeSession, ICONS, USERS } from './session.ts';
import { timeoutsOf } from './timeouts.ts';

const group = 'display';
const SAME = { verdict: 'same' } as const;

export function checkDisplay(content: Display, system: System, about: RestoreAbout): CheckItem[] {
  return [
    ...content.people.flatMap((person) => checkPerson(person, system, about)),
    ...(content.loginScreen ? [checkLoginScreen(content.loginScreen, system)] : []),
    ...content.xorg.map((file) => checkWholeFile(file, system, group)),
  ];
}

function checkPerson(person: PersonDisplay, system: System, about: RestoreAbout): CheckItem[] {
  const home = about.owners.home(person.home);
  const configurations = configurationsOf(system, home);
  const timeouts = timeoutsOf(system, home);
  const scripts = scriptsOf(system, home);
  const ofHome = [
    ...person.monitors.map((one) => checkMonitor(person, one, configurations, system, about)),
    ...person.timeouts.map((one) => checkTimeout(person, one, timeouts)),
    ...person.scripts.map((path) => checkScript(person, path, scripts.includes(path), about)),
  ];
  const session = person.session ? [checkSession(person, person.session, system, about)] : [];
  return [...session, ...(system.facts(home) === undefined ? ofHome.map(withoutHome) : ofHome)];
}

/** Where the home has not come, what lies in it is no failure of its own. */
function withoutHome(item: CheckItem): CheckItem {
  return item.verdict === 'failed' ? { ...item, verdict: 'person', remedy: 'it comes with the area homes' } : item;
}

function checkSession(person: PersonDisplay, session: Session, system: System, about: RestoreAbout): CheckItem {
  const user = about.owners.user(person.name);
  const path = `${USERS}/${user}`;
  const there = readKeyFile(system.text(path) ?? '');
  const wished = wishedValues(session, user, homeOf(system, user), about);
  const different = wished.filter(({ key, value }) => valueIn(there, 'User', key) !== value).map(({ key }) => key);
  const hasPicture = !session.icon || system.read(`${ICONS}/${user}`)?.equals(Buffer.from(session.icon, 'base64'));
  if (!hasPicture && !different.includes('Icon')) different.push('Icon');
  const remedy = 'choose the session at the login, and the picture in the settings';
  const isMissing = different.some((key) => key !== 'Icon' && valueIn(there, 'User', key) === undefined);
  return {
    ...{ id: idOfSession(person), group, title: titleOfSession(person), expected: describeSession(session) },
    observed: different.length === 0 ? describeSession(session) : `other or missing: ${different.join(', ')}`,
    evidence: path,
    ...(different.length === 0 ? SAME : { verdict: isMissing ? 'failed' : 'person', remedy }),
  };
}

function checkMonitor(
  person: PersonDisplay,
  one: Monitor,
  configurations: readonly (readonly Monitor[])[],
  system: System,
  about: RestoreAbout,
): CheckItem {
  const expected = describeMonitor(one);
  const known = configurations.flat().filter((other) => isSameMonitor(one, other));
  const found = known.find((other) => describeMonitor(other) === expected) ?? known[0];
  const observed = found ? describeMonitor(found) : 'nothing is noted of it';
  const isHere = about.identity === 'same' || connectedMonitors(system).some((other) => isSameMonitor(one, other));
  const item = { id: idOfMonitor(person, one), group, title: titleOfMonitor(person, one), expected };
  const evidence = `${MONITOR_FILES} of ${person.name}`;
  const remedy = monitorRemedy(one);
  if (observed !== expected) return { ...item, observed, evidence, verdict: 'failed', remedy };
  return isHere
    ? { ...item, observed, evidence, ...SAME }
    : { ...item, observed: `${observed}; not plugged in here`, evidence, verdict: 'person', remedy };
}

function checkTimeout({ name: user }: PersonDisplay, { name, value }: Timeout, there: readonly Timeout[]): CheckItem {
  const observed = there.find((one) => one.name === name)?.value;
  const remedy = `set ${name} to ${value} in the power and screen settings of ${user}`;
  return {
    ...{ id: `timeout:${user}/${name}`, group, title: `Screen timeout of ${user}: ${name}`, expected: value },
    observed: observed ?? 'not set',
    evidence: `settings in the home of ${user}`,
    ...(observed === value ? SAME : { verdict: observed === undefined ? 'failed' : 'person', remedy }),
  };
}

function checkScript(person: PersonDisplay, path: string, isThere: boolean, { identity }: RestoreAbout): CheckItem {
  const item = {
    id: idOfScript(person, path),
    group,
    title: titleOfScript(person, path),
    expected: 'it sets monitors',
  };
  const evidence = `~/${path}`;
  if (!isThere) {
    const remedy = `bring ~/${path} over, or set the monitors in the display settings`;
    return { ...item, observed: 'not there, or without that', evidence, verdict: 'failed', remedy };
  }
  const observed = 'it sets monitors';
  if (identity === 'same') return { ...item, observed, evidence, ...SAME };
  return { ...item, observed, evidence, verdict: 'person', remedy: SCRIPT_REMEDY };
}

function checkLoginScreen(file: ConfigFile, system: System): CheckItem {
  const screen = loginScreenOf(system);
  const isSame = screen !== undefined && hasContentOf(system, file, screen.path);
  const isThere = screen !== undefined && system.facts(screen.path) !== undefined;
  return {
    ...{ id: LOGIN_SCREEN_ID, group, title: 'Monitors of the login screen', expected: 'as captured' },
    observed: isSame ? 'as captured' : isThere ? 'other ones' : screen ? 'not there' : 'another login screen',
    evidence: screen?.path ?? '/etc/passwd',
    ...(isSame
      ? SAME
      : { verdict: screen && !isThere ? 'failed' : 'person', remedy: 'choose the monitors of the login screen' }),
  };
}
