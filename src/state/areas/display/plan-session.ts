import type { Change } from '../base/change.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { textChange } from '../base/whole-file.ts';
import { addToKeyFile, type KeyValue, readKeyFile, valueIn } from './key-file.ts';
import { homeOf, peopleOf } from './people.ts';
import type { PersonDisplay, Session } from './schema.ts';
import { describeSession, hasSession, ICONS, SERVICE, USERS } from './session.ts';

export const idOfSession = ({ name }: PersonDisplay): string => `session:${name}`;
export const titleOfSession = ({ name }: PersonDisplay): string => `Desktop session of ${name}`;

/** Adds what the login screen knows of somebody to what it knows already. */
export function planSession(person: PersonDisplay, plan: PlanBuilder, about: RestoreAbout): void {
  const { session } = person;
  if (!session) return;
  const id = idOfSession(person);
  const title = titleOfSession(person);
  const { system } = plan;
  const user = about.owners.user(person.name);
  const missing = [session.session, session.xsession].find((name) => name !== undefined && !hasSession(system, name));
  const path = `${USERS}/${user}`;
  const text = system.text(path) ?? '';
  const there = readKeyFile(text);
  const home = homeOf(system, user);
  const wished = wishedValues(session, user, home, about);
  const other = wished.find(({ key, value }) => (valueIn(there, 'User', key) ?? value) !== value);
  if (home === undefined) plan.ask(id, title, `${user} is not here: add the account, then choose it at the login`);
  else if (!peopleOf(system).some(({ name }) => name === user))
    plan.withhold(id, title, `${user} is an account of the system here`);
  else if (system.facts(SERVICE)?.kind !== 'folder')
    plan.ask(id, title, 'this machine’s login screen keeps it elsewhere: choose it there');
  else if (missing !== undefined)
    plan.ask(id, title, `install the desktop whose session is ${missing}, then choose it at the login`);
  else if (other)
    plan.ask(id, title, `${other.key} was chosen otherwise here: choose it at the login or in the settings`);
  else {
    const changes = [...iconChanges(session, user), ...userChanges(text, wished, path, plan)];
    plan.want({ id, title, action: text === '' ? 'add' : 'merge', detail: describeSession(session), changes });
  }
}

/** What the service’s file is to say of the session, with the names that are here. A picture elsewhere than in the home is none. */
export function wishedValues(
  { session: name, xsession, icon, iconPath }: Session,
  user: string,
  home: string | undefined,
  { owners }: Pick<RestoreAbout, 'owners'>,
): KeyValue[] {
  const path = iconPath && owners.home(iconPath);
  const picture = icon ? `${ICONS}/${user}` : path?.startsWith(`${home}/`) ? path : undefined;
  const values = { Session: name, XSession: xsession, Icon: picture };
  return Object.entries(values).flatMap(([key, value]) => (value ? [{ section: 'User', key, value }] : []));
}

function userChanges(text: string, wished: readonly KeyValue[], path: string, plan: PlanBuilder): Change[] {
  const lacks = wished.filter(({ key }) => valueIn(readKeyFile(text), 'User', key) === undefined);
  // The service takes a file of its own for a system account unless it says so.
  const isNew = text === '' ? [{ section: 'User', key: 'SystemAccount', value: 'false' }] : [];
  if (lacks.length === 0) return [];
  const made = [...lacks, ...isNew].reduce((before, one) => addToKeyFile(before, one), text);
  const change = textChange(plan.system, path, made);
  return [
    { kind: 'folder', path: USERS, mode: 0o700, uid: 0, gid: 0 },
    text === '' && change.kind === 'file' ? { ...change, mode: 0o600 } : change,
  ];
}

function iconChanges({ icon }: Session, user: string): Change[] {
  if (!icon) return [];
  const content = Buffer.from(icon, 'base64');
  return [
    { kind: 'folder', path: ICONS, mode: 0o775, uid: 0, gid: 0 },
    { kind: 'file', path: `${ICONS}/${user}`, content, mode: 0o644, uid: 0, gid: 0 },
  ];
}
