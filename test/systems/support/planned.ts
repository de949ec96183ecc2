import type { Event } from './command-line.ts';
import { compare, type Tree } from './tree.ts';

/** Which paths a plan names, by what it says of them; as a tree has them: bytes as latin1. */
interface Planned {
  /** Areas change them, or the file engine makes or replaces them. */
  readonly changed: ReadonlySet<string>;
  /** Folders that are there, which get what was captured of them where that is another thing. */
  readonly merged: ReadonlySet<string>;
}

/** What the events of `restore --dry-run --json` say. */
export function plannedBy(events: readonly Event[]): Planned {
  const changed = new Set<string>();
  const merged = new Set<string>();
  for (const event of events) {
    if (event.event === 'area-item') for (const path of event.paths as string[]) changed.add(bytesOf(path));
    if (event.event !== 'item') continue;
    const path = `/${unshown(event.path as string)}`;
    if (event.action === 'merge') merged.add(path);
    else if (event.action !== 'identical' && event.action !== 'skip') changed.add(path);
  }
  return { changed, merged };
}

/**
 * What a restore did that its plan does not say, and what the plan says and was not done. A folder in which a name comes or
 * goes, or a file is replaced, has another time afterwards: that follows from the plan, and nothing else does.
 */
export function besidePlan(before: Tree, after: Tree, { changed, merged }: Planned): string[] {
  const { added, removed, altered } = compare(before, after);
  const deeds = [...added, ...removed, ...altered];
  const done = new Set(deeds);
  const holding = new Set([...changed].map((path) => path.slice(0, path.lastIndexOf('/')) || '/'));
  const unplanned = deeds.filter((path) => {
    if (changed.has(path) || merged.has(path)) return false;
    const [was, is] = [before.get(path), after.get(path)];
    return !(holding.has(path) && was && is && withoutTime(was) === withoutTime(is));
  });
  return [
    ...unplanned.map((path) => `not planned: ${path}\n  ${before.get(path)}\n  ${after.get(path)}`),
    ...[...changed].filter((path) => !done.has(path)).map((path) => `not done: ${path}`),
  ];
}

const withoutTime = (facts: string): string => facts.split(' ').toSpliced(2, 1).join(' ');

const bytesOf = (path: string): string => Buffer.from(path, 'utf8').toString('latin1');

/** Back from how paths are shown: UTF-8, and `\xNN` for other bytes. */
function unshown(path: string): string {
  return bytesOf(path).replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
