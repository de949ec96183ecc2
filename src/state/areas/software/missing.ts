import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { type Installed, installedByOthers, isSound } from './managers.ts';
import { installedPackages, isPackageName } from './packages.ts';
import type { SoftwareContent } from './schema.ts';

/** What a machine lacks of what was captured; users by their names there. */
export function missingOf(
  content: SoftwareContent,
  system: System,
  owners: Owners,
): { debPackages: SoftwareContent['debPackages']; others: Installed[] } {
  const installed = installedPackages(system);
  const there = new Set(installedByOthers(system).map(keyOf));
  return {
    debPackages: content.debPackages.filter(({ name }) => isPackageName(name) && !installed.has(name)),
    others: othersOf(content, owners).filter((one) => !there.has(keyOf(one))),
  };
}

/** Programs of other managers, with the names that their users have on the target. */
export const othersOf = ({ others }: SoftwareContent, owners: Owners): Installed[] =>
  others.map((one) => (one.user === undefined ? one : { ...one, user: owners.user(one.user) })).filter(isSound);

export const keyOf = ({ manager, user, name }: Installed): string => `${manager}:${user ?? ''}:${name}`;
