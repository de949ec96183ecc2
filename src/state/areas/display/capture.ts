import { AREA_ITEMS_MAX, DISPLAY_VALUES_MAX } from '../../../common/limits.ts';
import { type ConfigFile, readConfigFile, readConfigFolder } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { connectedMonitors, type MonitorIdentity } from './edid.ts';
import { loginScreenOf } from './login-screen.ts';
import { monitorsOf } from './monitors.ts';
import { readMonitorsXml } from './monitors-xml.ts';
import { type Person, peopleOf } from './people.ts';
import { type Display, type PersonDisplay, personDisplay } from './schema.ts';
import { scriptsOf } from './scripts.ts';
import { readSession, USERS } from './session.ts';
import { timeoutsOf } from './timeouts.ts';
import { isXorgFile, XORG, XORG_FOLDER } from './xorg.ts';

export function captureDisplay(system: System, { users }: CaptureAbout): Captured<Display> | undefined {
  const couldNot: CouldNot[] = [];
  const connected = connectedMonitors(system);
  const people = peopleOf(system, users).flatMap((person) => readPerson(system, person, connected, couldNot));
  const screen = loginScreenOf(system);
  const loginScreen = screen && readConfigFile(system, screen.path);
  const isLayout = loginScreen?.text !== undefined && readMonitorsXml(loginScreen.text) !== undefined;
  const content: Display = {
    people: people.slice(0, AREA_ITEMS_MAX),
    ...(loginScreen && isLayout && { loginScreen }),
    xorg: readXorg(system, couldNot),
  };
  const isNothing = [content.people, content.xorg, couldNot].every((list) => list.length === 0) && !content.loginScreen;
  return isNothing ? undefined : { content, couldNot };
}

function readPerson(
  system: System,
  { name, home }: Person,
  connected: readonly MonitorIdentity[],
  couldNot: CouldNot[],
): PersonDisplay[] {
  const locked = [home, `${USERS}/${name}`].find((path) => system.isUnreadable(path));
  if (locked !== undefined) couldNot.push({ what: locked, why: 'it cannot be read; run as root' });
  const session = readSession(system, name, home);
  const person: PersonDisplay = {
    name,
    home,
    ...(session && { session }),
    monitors: monitorsOf(system, home, connected).slice(0, DISPLAY_VALUES_MAX),
    timeouts: timeoutsOf(system, home).slice(0, DISPLAY_VALUES_MAX),
    scripts: scriptsOf(system, home).slice(0, DISPLAY_VALUES_MAX),
  };
  const isNothing = [person.monitors, person.timeouts, person.scripts].every((list) => list.length === 0);
  if (isNothing && !session) return [];
  const { success, error } = personDisplay.safeParse(person);
  if (success) return [person];
  const what = `display settings of ${name}`;
  couldNot.push({ what, why: `${error?.issues[0]?.path.join('.')} is not as it should be; set it again there` });
  return [];
}

function readXorg(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const isOwn = (path: string) => isXorgFile(path) && !dpkg.isPristine(path);
  const single = system.facts(XORG) && isOwn(XORG) ? readConfigFile(system, XORG) : undefined;
  return [...(single ? [single] : []), ...readConfigFolder(system, XORG_FOLDER, couldNot, isOwn, 0)];
}
