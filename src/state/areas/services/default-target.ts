import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { PlanBuilder } from '../base/types.ts';
import { isUnitName } from './unit-file.ts';
import { ETC, type Units } from './units.ts';

const LINK = `${ETC}/default.target`;
const ID = 'default-target';
const TITLE = 'what the machine starts into';
/** A machine that starts into one of these does not stay up. */
const ENDS = /^(?:poweroff|reboot|halt|kexec|exit|shutdown|ctrl-alt-del|soft-reboot|final)\.target$/;

export const isDefaultTarget = (name: string): boolean =>
  isUnitName(name) && name.endsWith('.target') && name !== 'default.target' && !ENDS.test(name);

/** The target that somebody chose with `systemctl set-default`; undefined where it is the distribution's own. */
export function defaultTargetOf(system: System): string | undefined {
  const name = system.readLink(LINK)?.split('/').at(-1);
  return name !== undefined && isDefaultTarget(name) ? name : undefined;
}

export function planDefaultTarget(target: string, units: Units, plan: PlanBuilder): void {
  const path = isDefaultTarget(target) ? units.linkedAs(target) : undefined;
  if (defaultTargetOf(plan.system) === target) plan.same(ID, TITLE);
  else if (!isDefaultTarget(target)) plan.withhold(ID, TITLE, `${target} is nothing that a machine stays up with`);
  else if (path === undefined)
    plan.ask(ID, TITLE, `there is no ${target} on this machine: choose with systemctl set-default`);
  else {
    const action = plan.system.facts(LINK) ? 'replace' : 'add';
    const detail = `${target}, from the next boot on`;
    const changes = [{ kind: 'link' as const, path: LINK, target: path }];
    plan.want({ id: ID, title: TITLE, action, detail, effect: 'root-runs', changes });
  }
}

export function checkDefaultTarget(target: string, system: System): CheckItem {
  const there = defaultTargetOf(system);
  const isSame = there === target;
  return {
    id: ID,
    group: 'services',
    title: TITLE,
    expected: target,
    observed: there ?? 'what the distribution starts into',
    verdict: isSame ? 'same' : 'failed',
    evidence: LINK,
    ...(!isSame && { remedy: `systemctl set-default ${target}` }),
  };
}
