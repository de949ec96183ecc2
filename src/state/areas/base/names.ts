/**
 * The areas, in the order in which a restore applies them (docs/AREAS.md): what everything else stands on first, what
 * could cut the machine off last. Files come after `FILES_AFTER`.
 */
export const AREA_NAMES = [
  'accounts',
  'network',
  'environment',
  'filesystems',
  'homes',
  'usr-local',
  'backup-rules',
  'licences',
  'applications',
  'ttys',
  'display',
  'schedules',
  'services',
  'security',
  'software',
  'printers',
  'hostname',
] as const;

export type AreaName = (typeof AREA_NAMES)[number];

/** The system areas before this one are applied before files, the others after them. */
export const FILES_AFTER: AreaName = 'filesystems';

/** A capture takes them; a restore withholds and lists them unless they are named. */
export const ONLY_WHERE_ASKED: ReadonlySet<AreaName> = new Set(['security', 'software']);

export const isAreaName = (text: string): text is AreaName => (AREA_NAMES as readonly string[]).includes(text);
