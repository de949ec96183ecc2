import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import type { UnknownFolder } from './schema.ts';
import { sizeInWords, sum } from './words.ts';

/** Whether what no rule knows is there too. */
export function checkUnknown(folders: readonly UnknownFolder[], system: System, owners: Owners): CheckItem[] {
  if (folders.length === 0) return [];
  const paths = folders.map(({ path, home }) => `${owners.home(home)}${path.slice(home.length)}`);
  const gone = paths.filter((path) => !system.facts(path) && !system.isUnreadable(path));
  const item = {
    id: 'folders:unknown',
    group: 'application information',
    title: 'folders that no rule knows, carried whole',
    expected: `${folders.length} folders, ${sizeInWords(sum(folders.map(({ size }) => size)))}`,
    observed: `${folders.length - gone.length} folders are there`,
    evidence: 'the folders themselves',
  };
  if (gone.length === 0) return [{ ...item, verdict: 'same' }];
  const names = gone.slice(0, 5).join(', ').slice(0, 2000);
  return [{ ...item, verdict: 'failed', remedy: `restore the homes again; missing: ${names}` }];
}
