import { assign } from '../base/assignments.ts';
import type { PlanBuilder } from '../base/types.ts';
import { textChange } from '../base/whole-file.ts';
import { isGenerated, isUnchosen, localeFileOf, readLocale } from './locale.ts';
import { askForLocale, LOCALE_GEN, nameOfLocale, readLocaleGen, SUPPORTED } from './locale-gen.ts';
import type { Environment, LocaleVariable } from './schema.ts';

/** The item of running locale-gen, which makes what locale.gen asks for. */
export const LOCALE_GEN_ID = 'task:locale-gen';
export const LOCALE_GEN_TITLE = 'Locales to be generated';
export const LOCALE_GEN_REMEDY = 'run locale-gen as root';

export function planLocale(content: Environment, plan: PlanBuilder): void {
  for (const one of content.locale) planLocaleVariable(one, plan);
  for (const locale of content.generatedLocales) planGenerated(locale, plan);
  const asked = readLocaleGen(plan.system.text(LOCALE_GEN) ?? '');
  const missing = content.generatedLocales.filter(
    (locale) => asked.includes(locale) && !isGenerated(plan.system, nameOfLocale(locale)),
  );
  if (missing.length > 0)
    plan.ask(LOCALE_GEN_ID, LOCALE_GEN_TITLE, `${LOCALE_GEN_REMEDY}: it makes ${listOf(missing)}`);
}

export const listOf = (locales: readonly string[]): string => locales.slice(0, 10).map(nameOfLocale).join(', ');

function planLocaleVariable(one: LocaleVariable, plan: PlanBuilder): void {
  const id = `locale:${one.name}`;
  const title = `Language and formats: ${one.name}`;
  const path = localeFileOf(plan.system);
  const there = readLocale(plan.system).find(({ name }) => name === one.name);
  if (there?.value === one.value) plan.same(id, title);
  else if (there && !isUnchosen(there.value)) {
    plan.ask(id, title, `it is ${there.value} here; localectl set-locale ${one.name}=${one.value} changes that`);
  } else {
    const changes = [textChange(plan.system, path, assign(plan.system.text(path) ?? '', one))];
    plan.want({ id, title, action: there ? 'replace' : 'add', detail: one.value, changes });
  }
}

function planGenerated(locale: string, plan: PlanBuilder): void {
  const id = `generated:${nameOfLocale(locale)}`;
  const title = `Locale ${nameOfLocale(locale)}`;
  const { system } = plan;
  if (isGenerated(system, nameOfLocale(locale))) {
    plan.same(id, title);
    return;
  }
  const text = system.text(LOCALE_GEN);
  const isKnown = system.text(SUPPORTED)?.split('\n').includes(locale) ?? true;
  if (text === undefined || !isKnown) {
    plan.ask(id, title, `this machine cannot generate it: install its language package`);
    return;
  }
  const changes = [textChange(system, LOCALE_GEN, askForLocale(text, locale))];
  plan.want({ id, title, action: 'merge', detail: `${LOCALE_GEN} asks for it`, changes });
}
