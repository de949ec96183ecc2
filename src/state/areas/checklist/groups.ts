import { ORIGIN_GROUPS } from '../base/check-item.ts';
import { AREA_NAMES, type AreaName, isAreaName } from '../base/names.ts';
import type { ChecklistGroup, ChecklistItem } from './types.ts';

export type OriginGroup = (typeof ORIGIN_GROUPS)[number];

/** Which areas fill the groups that the origin names, and what it means where a machine had nothing of it. */
export const FILLED_BY: Readonly<Record<OriginGroup, { readonly areas: readonly AreaName[]; readonly none: string }>> =
  {
    hostname: { areas: ['hostname'], none: 'the old machine had no name of its own' },
    'media connection': { areas: ['network'], none: 'the old machine had no network adapter' },
    'networking files': { areas: ['network'], none: 'the old machine had no network settings of its own' },
    home: { areas: ['homes'], none: 'the old machine had no homes' },
    passwords: { areas: ['accounts'], none: 'the old machine had no local accounts' },
    filesystems: { areas: ['filesystems'], none: 'the old machine had no file systems beside its own' },
    '/usr/local': { areas: ['usr-local'], none: 'the old machine had nothing in /usr/local' },
    ttys: { areas: ['ttys'], none: 'the old machine had no terminal settings of its own' },
    'remote printers': { areas: ['printers'], none: 'the old machine had no printers' },
    'backup include/exclude lists': { areas: ['backup-rules'], none: 'the old machine had no backup client' },
    'application information': {
      areas: ['applications', 'licences'],
      none: 'the old machine had no application or licence that is known here',
    },
  };

/** Where an area's own items stand: those that are about the area as a whole. */
export function groupOfArea(area: string): string {
  return ORIGIN_GROUPS.find((group) => FILLED_BY[group].areas.some((name) => name === area)) ?? area;
}

/** Items by group: those of the origin first, then areas, then applications, then the rest. Their order stays. */
export function grouped(items: readonly ChecklistItem[]): ChecklistGroup[] {
  const groups = new Map<string, ChecklistItem[]>();
  for (const item of items) {
    const known = groups.get(item.group);
    if (known) known.push(item);
    else groups.set(item.group, [item]);
  }
  return [...groups]
    .map(([name, of]) => ({ name, items: of }))
    .sort((a, b) => rankOf(a.name) - rankOf(b.name) || (a.name < b.name ? -1 : 1));
}

function rankOf(group: string): number {
  const origin = (ORIGIN_GROUPS as readonly string[]).indexOf(group);
  if (origin >= 0) return origin;
  if (isAreaName(group)) return ORIGIN_GROUPS.length + AREA_NAMES.indexOf(group);
  const after = ORIGIN_GROUPS.length + AREA_NAMES.length;
  return group.startsWith('application ') ? after : after + 1;
}
