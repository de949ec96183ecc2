import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import type { ApplicationsOptions } from './options.ts';
import type { Settings } from './schema.ts';
import { readSettings, settingsPath } from './settings.ts';

/** Whether people's dconf databases have the keys that were captured, each with its value. */
export function checkSettings(
  all: readonly Settings[],
  system: System,
  owners: Owners,
  options: ApplicationsOptions,
): CheckItem[] {
  return all.map(({ username, home, keys }): CheckItem => {
    const path = settingsPath(owners.home(home));
    const wanted = Object.entries(keys);
    const item = {
      id: `settings:${username}`,
      group: 'application information',
      title: `settings of ${owners.user(username)}'s desktop`,
      expected: `${wanted.length} keys`,
      evidence: `the dconf database ${path}`,
    };
    const there = readSettings(system, path, options);
    if (!there) {
      const remedy = `restore the homes again, or copy ${path} from the old machine`;
      return { ...item, observed: 'no database that can be read', verdict: 'failed', remedy };
    }
    const lost = wanted.filter(([key]) => !there.has(key)).length;
    const other = wanted.filter(([key, value]) => there.has(key) && there.get(key) !== value).length;
    const observed = `${wanted.length - lost - other} keys as captured, ${other} with another value, ${lost} missing`;
    // A desktop that has run since has changed some: only what is gone is a fault.
    if (lost * 2 > wanted.length) {
      return { ...item, observed, verdict: 'failed', remedy: `log out, and copy ${path} from the old machine` };
    }
    return { ...item, observed, verdict: lost + other > 0 ? 'changed' : 'same' };
  });
}
