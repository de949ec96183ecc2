import { assign, readAssignments } from '../base/assignments.ts';
import type { Change } from '../base/change.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder, RestoreAbout } from '../base/types.ts';
import { planWholeFile, textChange } from '../base/whole-file.ts';
import { planLocale } from './plan-locale.ts';
import type { Environment, Variable } from './schema.ts';
import { addShell, readShells, SHELLS } from './shells.ts';
import { isUtc, isZone, LOCALTIME, placeOfZone, readTimeZone, TIMEZONE } from './time-zone.ts';
import { ENVIRONMENT, isStandardPath } from './variables.ts';
import { effectOfFile, isAsPackaged } from './whole-files.ts';

export function planEnvironment(content: Environment, plan: PlanBuilder, about: RestoreAbout): void {
  planLocale(content, plan);
  if (content.timeZone !== undefined) planTimeZone(content.timeZone, plan);
  for (const one of content.variables) planVariable(one, plan);
  for (const shell of content.shells) planShell(shell, plan);
  for (const file of content.files) {
    const effect = effectOfFile(file.path);
    planWholeFile(file, plan, about, {
      isAsPackaged: isAsPackaged(plan.system, file.path),
      ...(effect && { effect }),
    });
  }
}

function planTimeZone(zone: string, plan: PlanBuilder): void {
  const id = `timezone:${zone}`;
  const title = `Time zone ${zone}`;
  const { system } = plan;
  const there = readTimeZone(system);
  if (there === zone || (isUtc(there) && isUtc(zone))) plan.same(id, title);
  else if (!isZone(system, zone))
    plan.ask(id, title, 'this machine does not know it: install tzdata, then set it with timedatectl');
  else if (!isUtc(there)) plan.ask(id, title, `it is ${there} here; timedatectl set-timezone ${zone} changes that`);
  else {
    // The second file is Debian's, and read by programs that do not follow the link.
    const text = system.facts(TIMEZONE) ? [textChange(system, TIMEZONE, `${zone}\n`)] : [];
    const changes: Change[] = [{ kind: 'link', path: LOCALTIME, target: placeOfZone(zone) }, ...text];
    plan.want({ id, title, action: 'replace', detail: `it is ${there ?? 'UTC'} until now`, changes });
  }
}

function planVariable(one: Variable, plan: PlanBuilder): void {
  const id = `variable:${one.name}`;
  const title = `Environment variable ${one.name}`;
  const text = plan.system.text(ENVIRONMENT) ?? '';
  const there = readAssignments(text).find(({ name }) => name === one.name);
  if (there?.value === one.value) {
    plan.same(id, title);
    return;
  }
  if (there && !isStandardPath(there) && !isAsPackaged(plan.system, ENVIRONMENT)) {
    plan.ask(id, title, `${ENVIRONMENT} has another value here: compare it`);
    return;
  }
  plan.want({
    id,
    title,
    action: there ? 'replace' : 'add',
    detail: `in ${ENVIRONMENT}`,
    effect: 'environment',
    changes: [textChange(plan.system, ENVIRONMENT, assign(text, one))],
  });
}

/** Files beneath it are restored after this area. */
const COMES_LATER = '/usr/local/';

function planShell(shell: string, plan: PlanBuilder): void {
  const id = `shell:${shell}`;
  const title = `Login shell ${shell}`;
  const text = plan.system.text(SHELLS) ?? '';
  if (readShells(text).includes(shell)) plan.same(id, title);
  else if (!isProgram(plan.system, shell) && !shell.startsWith(COMES_LATER))
    plan.ask(id, title, `${shell} is not here: install it, then add-shell ${shell}`);
  else
    plan.want({
      id,
      title,
      action: 'merge',
      detail: `in ${SHELLS}`,
      changes: [textChange(plan.system, SHELLS, addShell(text, shell))],
    });
}

function isProgram(system: System, path: string): boolean {
  const facts = system.facts(path);
  return facts?.kind === 'link' || (facts?.kind === 'file' && (facts.mode & 0o111) !== 0);
}
