import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { foldersTo, idOfFile, planWholeFile, textChange } from '../base/whole-file.ts';
import { mapAutologin } from './autologin.ts';
import type { Settings, Ttys, UnitLink } from './schema.ts';
import { isUnchosen, LOGIND, type SettingFile, settingFileOf } from './setting-files.ts';
import { readSettings, type Setting, writeSetting } from './settings.ts';
import { unitOf } from './unit-links.ts';
import { isBoundToAdapter, kindOfFile } from './whole-files.ts';

export function planTtys(content: Ttys, plan: PlanBuilder, about: RestoreAbout): void {
  for (const one of content.settings) planSettings(one, plan);
  for (const link of content.links) planLink(link, plan);
  for (const file of content.files) {
    const mapped = mapAutologin(file, about.owners);
    const kind = kindOfFile(mapped);
    if (isBoundToAdapter(mapped) && about.identity === 'new') {
      plan.withhold(idOfFile(file), file.path, 'it knows adapters of the other machine by their addresses', 'udev');
    } else planWholeFile(mapped, plan, about, kind);
  }
}

export const idOfSetting = (path: string, name: string): string =>
  `setting:${path.slice(path.lastIndexOf('/') + 1)}/${name}`;
export const titleOfSetting = (file: SettingFile, name: string): string => `${file.title}: ${name}`;

function planSettings({ path, values }: Settings, plan: PlanBuilder): void {
  const file = settingFileOf(path);
  if (!file) return;
  // Layout, model and variant mean something together only: either all come, or none.
  const there = readSettings(plan.system, file);
  const isAsCaptured = (one: Setting) => values.some(({ name, value }) => name === one.name && value === one.value);
  const isFree = path === LOGIND || there.every((one) => isUnchosen(file, one.name, one.value) || isAsCaptured(one));
  for (const setting of values) planSetting(setting, file, isFree, plan);
}

function planSetting(setting: Setting, file: SettingFile, isFree: boolean, plan: PlanBuilder): void {
  const id = idOfSetting(file.path, setting.name);
  const title = titleOfSetting(file, setting.name);
  const there = readSettings(plan.system, file).find(({ name }) => name === setting.name);
  if ((there?.value ?? '') === setting.value) {
    plan.same(id, title);
  } else if (!plan.system.facts(file.path) && file.path !== LOGIND) {
    plan.ask(id, title, `this machine sets it elsewhere: localectl sets it to ${setting.value}`);
  } else if (!isFree || (file.path === LOGIND && there)) {
    plan.ask(
      id,
      title,
      `${file.path} has ${there?.value || 'nothing'} here, captured was ${setting.value || 'nothing'}: choose`,
    );
  } else {
    const text = writeSetting(plan.system.text(file.path) ?? '', file, setting);
    plan.want({
      id,
      title,
      action: there ? 'replace' : 'add',
      detail: setting.value || 'none',
      changes: [...foldersTo(file.path), textChange(plan.system, file.path, text)],
    });
  }
}

export const idOfLink = ({ path }: UnitLink): string =>
  `getty:${path.slice(path.lastIndexOf('/') + 1, -'.service'.length)}`;

export function titleOfLink({ path, target }: UnitLink): string {
  const name = path.slice(path.lastIndexOf('/') + 1, -'.service'.length);
  return unitOf(target) === undefined ? `No terminal ${name}` : `Terminal ${name}`;
}

function planLink(link: UnitLink, plan: PlanBuilder): void {
  const id = idOfLink(link);
  const title = titleOfLink(link);
  const unit = unitOf(link.target);
  // A machine whose /usr is not merged has it by its other name only.
  const target = unit === undefined ? link.target : [unit, otherNameOf(unit)].find((name) => plan.system.facts(name));
  const there = plan.system.facts(link.path);
  if (there?.kind === 'link' && leadsTo(plan.system.readLink(link.path), link.target)) plan.same(id, title);
  else if (there) plan.ask(id, title, `${link.path} is another one here: compare it`);
  else if (target === undefined) plan.ask(id, title, `${unit} is not here: this machine has no such terminals`);
  else {
    const changes = [...foldersTo(link.path), { kind: 'link', path: link.path, target } as const];
    plan.want({
      id,
      title,
      action: 'add',
      detail: unit === undefined ? 'it is switched off' : 'it starts by itself',
      changes,
    });
  }
}

const otherNameOf = (unit: string): string => (unit.startsWith('/usr/') ? unit.slice('/usr'.length) : `/usr${unit}`);

/** Before and after the merge of /usr a unit has two names. */
export function leadsTo(target: string | undefined, wished: string): boolean {
  return target?.replace(/^\/usr\/lib\//, '/lib/') === wished.replace(/^\/usr\/lib\//, '/lib/');
}
