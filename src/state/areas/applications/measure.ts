import type { PathRule } from '../../catalogue/compile.ts';
import { RuleWalk } from '../../catalogue/rule-walk.ts';
import type { System } from '../base/system.ts';
import type { ApplicationsOptions } from './options.ts';
import { Sizer } from './sizer.ts';

/** A walk by the rules over homes and places outside of them, and a sizer that goes by it. */
export function measure(
  system: System,
  rules: readonly PathRule[],
  where: { readonly homes: readonly string[]; readonly places: readonly string[] },
  { nowMs }: ApplicationsOptions,
): { readonly walk: RuleWalk; readonly sizer: Sizer } {
  const bytes = (paths: readonly string[]) => paths.map((path) => Buffer.from(path));
  const walk = new RuleWalk(rules, { homes: bytes(where.homes), roots: bytes(where.places) });
  return { walk, sizer: new Sizer(system, walk, nowMs) };
}
