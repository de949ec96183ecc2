import type { FolderFacts, RestoredRoot } from '../../restore/restored-root.ts';
import type { Verdict } from '../base/check-item.ts';
import { groupOfArea } from './groups.ts';
import type { ChecklistItem } from './types.ts';

/** Where files of a restore stand in its checklist. */
export interface FilePlaces {
  /** The target. */
  readonly into: string;
  /** Which area took which captured path; none where only files were restored. */
  readonly roots: readonly { readonly path: string; readonly area: string }[];
  /** Where a captured home lies now. */
  home(captured: string): string;
}

const GROUP_WITHOUT_AREA = 'files';

/** The items of what a restore put in place, a few for each captured path. */
export function fileItems(roots: readonly RestoredRoot[], places: FilePlaces): ChecklistItem[] {
  return roots.flatMap((root) => {
    const path = shownPath(places.into, root.path);
    const group = groupOf(root.path, places);
    return [folderItem(root, path, group), filesItem(root, path, group), devicesItem(root, path, group)].filter(
      (item) => item !== undefined,
    );
  });
}

function shownPath(into: string, path: string): string {
  if (path === '') return `further places beneath ${into}`;
  if (into === '/') return path;
  return path === '/' ? into : `${into}${path}`;
}

function groupOf(path: string, { roots, home }: FilePlaces): string {
  const isWithin = (above: string): boolean => path === above || path.startsWith(above === '/' ? above : `${above}/`);
  const [taken] = roots
    .filter((root) => isWithin(root.path) || isWithin(home(root.path)))
    .sort((a, b) => b.path.length - a.path.length);
  if (taken) return groupOfArea(taken.area);
  if (/^\/(home|root)(\/|$)/.test(path)) return 'home';
  return /^\/usr\/local(\/|$)/.test(path) ? '/usr/local' : GROUP_WITHOUT_AREA;
}

function folderItem({ folder }: RestoredRoot, path: string, group: string): ChecklistItem | undefined {
  if (!folder) return undefined;
  const { wanted, found, isTouched } = folder;
  const item = {
    ...{ area: 'files', id: `folder:${path}`, group, title: `Folder ${path}`, expected: shownFacts(wanted) },
    evidence: 'mode and owner of the folder, beside what the restore wrote down',
  };
  if (!found) {
    const remedy = 'give the same "resettle restore" again, unless somebody removed it on purpose';
    return { ...item, observed: 'it is gone', verdict: 'failed', remedy };
  }
  const observed = shownFacts(found);
  if (observed === item.expected) return { ...item, observed, verdict: 'same' };
  if (!isTouched) return { ...item, observed: `${observed}: no other is kept here`, verdict: 'changed' };
  const quoted = `'${path.replaceAll("'", "'\\''")}'`;
  const remedy = `chown ${wanted.uid}:${wanted.gid} ${quoted}; chmod ${octal(wanted.mode)} ${quoted}`;
  return { ...item, observed, verdict: 'failed', remedy };
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
const shownFacts = ({ mode, uid, gid }: FolderFacts): string => `mode ${octal(mode)}, owner ${uid}:${gid}`;

function filesItem(root: RestoredRoot, path: string, group: string): ChecklistItem | undefined {
  const { counts, skipped, named } = root;
  const { missing, broken, changed, unseen } = counts;
  const total = counts['in-place'] + missing + broken + changed + unseen;
  if (total + skipped === 0) return undefined;
  const verdict: Verdict = missing + broken > 0 ? 'failed' : unseen > 0 ? 'person' : changed > 0 ? 'changed' : 'same';
  const others: readonly (readonly [number, string])[] = [
    [missing, 'missing'],
    [broken, 'of another size or kind although nobody changed them'],
    [changed, 'changed since'],
    [unseen, 'that cannot be looked at'],
    [skipped, 'left as they were, since something else was there'],
  ];
  const parts = others.filter(([count]) => count > 0).map(([count, what]) => `${shownCount(count)} ${what}`);
  const names = [
    ...named.missing.map((name) => `missing: ${name}`),
    ...named.broken.map((name) => `other: ${name}`),
    ...named.unseen.map((name) => `not looked at: ${name}`),
    ...named.changed.map((name) => `changed since: ${name}`),
  ];
  return {
    ...{ area: 'files', id: `files:${path}`, group, title: `Files of ${path}`, verdict },
    expected: `${shownCount(total)} files and folders in place`,
    observed: [`${shownCount(counts['in-place'])} of ${shownCount(total)} in place`, ...parts].join('; '),
    evidence: 'kind, size and time of each, beside what the restore wrote down',
    ...(names.length > 0 && { names }),
    ...(REMEDIES[verdict] && { remedy: REMEDIES[verdict] }),
  };
}

const REMEDIES: Partial<Record<Verdict, string>> = {
  failed:
    'give the same "resettle restore" again, unless somebody removed them on purpose: it brings what is missing, and overwrites nothing',
  person: 'make the checklist again as a user who may look there, such as root',
};

function devicesItem({ devicesLeftOut }: RestoredRoot, path: string, group: string): ChecklistItem | undefined {
  if (devicesLeftOut === 0) return undefined;
  return {
    ...{ area: 'files', id: `devices:${path}`, group, title: `Devices in ${path}` },
    expected: `${shownCount(devicesLeftOut)} as captured`,
    observed: 'not here: devices are not restored unless they are allowed',
    verdict: 'skipped',
    isWithheld: true,
    evidence: 'what the restore wrote down of itself',
    remedy: 'if you trust the old machine, restore again as root with --allow-privileged; else leave them out',
  };
}

/** `12,345` */
const shownCount = (count: number): string => count.toLocaleString('en-US');
