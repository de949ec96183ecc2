import { APPLICATION_SETTINGS_MAX } from '../../../common/limits.ts';
import type { RuleWalk } from '../../catalogue/rule-walk.ts';
import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { FileRoot } from '../base/types.ts';

/**
 * What the file engine takes of a place outside of homes. Of settings only what differs from what packages brought: the
 * target's own packages bring theirs, which may be newer.
 */
export function rootsOf(system: System, place: string, walk: RuleWalk): FileRoot[] {
  const root = (path: string): FileRoot => ({ path, isPersonal: false });
  // Rules that detect something may leave out that very thing: what the capture does not take is no root.
  if (!walk.at(Buffer.from(place)).mayHoldTaken) return [];
  if (!place.startsWith('/etc/')) return [root(place)];
  const files = filesBeneath(system, place)?.filter((path) => walk.at(Buffer.from(path)).isTaken);
  if (!files) return [root(place)];
  const dpkg = dpkgOf(system);
  const own = files.filter((path) => !dpkg.isPristine(path));
  return own.length === files.length ? [root(place)] : own.map(root);
}

/** A file itself, or all in a folder; undefined where there are too many to look at. */
function filesBeneath(system: System, top: string): string[] | undefined {
  const files: string[] = [];
  const waiting = [top];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (system.facts(path)?.kind === 'folder') waiting.push(...system.list(path).map((name) => `${path}/${name}`));
    else files.push(path);
    if (files.length + waiting.length > APPLICATION_SETTINGS_MAX) return undefined;
  }
  return files.sort();
}
