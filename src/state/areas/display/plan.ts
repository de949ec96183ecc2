import type { Change } from '../base/change.ts';
import { type ConfigFile, contentOf, hasContentOf } from '../base/config-file.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { idOfFile, planWholeFile } from '../base/whole-file.ts';
import { connectedMonitors, isSameMonitor } from './edid.ts';
import { loginScreenOf } from './login-screen.ts';
import { nameOf } from './monitors.ts';
import { readMonitorsXml } from './monitors-xml.ts';
import { planSession } from './plan-session.ts';
import type { Display, Monitor, PersonDisplay } from './schema.ts';
import { isBoundToCard } from './xorg.ts';

export const LOGIN_SCREEN_ID = 'layout:login-screen';
export const SCRIPT_REMEDY = 'plugs may have other names here: run it and look at the monitors';

/** Files of homes come with these; here is what is beside them, and what a person has to decide. */
export function planDisplay(content: Display, plan: PlanBuilder, about: RestoreAbout): void {
  const connected = connectedMonitors(plan.system);
  for (const person of content.people) {
    planSession(person, plan, about);
    if (about.identity === 'same') continue;
    for (const monitor of person.monitors) {
      if (connected.some((one) => isSameMonitor(one, monitor))) continue;
      plan.ask(idOfMonitor(person, monitor), titleOfMonitor(person, monitor), monitorRemedy(monitor));
    }
    for (const script of person.scripts)
      plan.ask(idOfScript(person, script), titleOfScript(person, script), SCRIPT_REMEDY);
  }
  if (content.loginScreen) planLoginScreen(content.loginScreen, plan);
  for (const file of content.xorg) planXorg(file, plan, about);
}

export const idOfMonitor = ({ name }: PersonDisplay, one: Monitor): string =>
  `monitor:${name}/${[one.vendor, one.product, one.serial].join('/')}`;
export const titleOfMonitor = ({ name }: PersonDisplay, one: Monitor): string => `Monitor ${nameOf(one)} of ${name}`;
export const monitorRemedy = (one: Monitor): string =>
  `choose landscape or portrait and the place for ${nameOf(one) || 'the monitor'} in the display settings`;

export const idOfScript = ({ name }: PersonDisplay, path: string): string => `script:${name}/${path}`;
export const titleOfScript = ({ name }: PersonDisplay, path: string): string => `Monitors by ~/${path} of ${name}`;

function planLoginScreen(file: ConfigFile, plan: PlanBuilder): void {
  const title = 'Monitors of the login screen';
  const screen = loginScreenOf(plan.system);
  if (readMonitorsXml(file.text ?? '') === undefined) {
    plan.withhold(LOGIN_SCREEN_ID, title, 'it is no file of monitors');
  } else if (!screen) {
    plan.ask(LOGIN_SCREEN_ID, title, 'this machine has another login screen: choose its monitors there');
  } else if (hasContentOf(plan.system, file, screen.path)) {
    plan.same(LOGIN_SCREEN_ID, title);
  } else if (plan.system.facts(screen.path)) {
    plan.ask(LOGIN_SCREEN_ID, title, `${screen.path} is another one here: compare it with the captured one`);
  } else {
    const { uid, gid, path, folder } = screen;
    const changes: Change[] = [
      { kind: 'folder', path: folder, mode: 0o700, uid, gid },
      { kind: 'file', path, content: contentOf(file), mode: 0o644, uid, gid },
    ];
    plan.want({ id: LOGIN_SCREEN_ID, title, action: 'add', detail: 'as captured', changes });
  }
}

function planXorg(file: ConfigFile, plan: PlanBuilder, about: RestoreAbout): void {
  if (isBoundToCard(file) && about.identity === 'new') {
    plan.withhold(idOfFile(file), file.path, 'it is written for the other machine’s graphics card', 'root-file');
  } else planWholeFile(file, plan, about, { effect: 'root-file' });
}
