import type { System } from '../base/system.ts';

export const LOCALTIME = '/etc/localtime';
export const TIMEZONE = '/etc/timezone';
const ZONES = '/usr/share/zoneinfo';

/** The name of a machine's time zone; undefined where it has none, which means UTC. */
export function readTimeZone(system: System): string | undefined {
  const link = system.readLink(LOCALTIME);
  const named = link && /(?:^|\/)zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(link)?.[1];
  return named || system.text(TIMEZONE)?.trim() || undefined;
}

export const placeOfZone = (zone: string): string => `${ZONES}/${zone}`;

/** Whether a machine knows the zone: a compiled file of that name. */
export function isZone(system: System, zone: string): boolean {
  return system.read(placeOfZone(zone))?.subarray(0, 4).toString('latin1') === 'TZif';
}

/** What a machine has before anybody chose. */
export function isUtc(zone: string | undefined): boolean {
  return zone === undefined || /^(Etc\/)?(UTC|UCT|Universal|Zulu)$/i.test(zone);
}
