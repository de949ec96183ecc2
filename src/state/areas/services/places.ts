import type { PrivilegedEffect } from '../base/types.ts';
import { isUnitName } from './unit-file.ts';
import { ETC } from './units.ts';

/** Lines of terminals belong to the area ttys. */
const OF_OTHERS = /^(serial-|console-|container-)?getty@|^autovt@|^(serial-|console-)getty\./;

export const isOurs = (unit: string): boolean => isUnitName(unit) && !OF_OTHERS.test(unit);

/** Timers that no package brought are the area schedules'; of the others it is said here whether they run. */
export const isFileOurs = (unit: string): boolean => isOurs(unit) && !unit.endsWith('.timer');

/** The unit that a file under /etc/systemd/system is of, or adds to; undefined for what is neither. */
export function unitOfPath(path: string): { readonly unit: string; readonly isDropIn: boolean } | undefined {
  const names = path.startsWith(`${ETC}/`) ? path.slice(ETC.length + 1).split('/') : [];
  const [first = '', second, ...more] = names;
  if (second === undefined) return isUnitName(first) ? { unit: first, isDropIn: false } : undefined;
  const unit = first.endsWith('.d') ? first.slice(0, -2) : '';
  if (more.length > 0 || !/^[\w@:.-]+\.conf$/.test(second)) return undefined;
  // `service.d` adds to all services.
  return isUnitName(unit) || /^(service|socket|path|mount)$/.test(unit) ? { unit, isDropIn: true } : undefined;
}

export const scriptOfPath = (path: string): string | undefined =>
  path === '/etc/rc.local' ? 'rc.local' : /^\/etc\/init\.d\/([A-Za-z0-9][\w.-]*)$/.exec(path)?.[1];

export const effectOf = (path: string): PrivilegedEffect =>
  /\.(mount|automount|swap)(\.d\/.*)?$/.test(path) ? 'mount-table' : 'root-runs';

/** Units that the machine is reached through: another machine may be reached in another way. */
const CARRIES_LINK =
  /^(NetworkManager|systemd-networkd|systemd-resolved|systemd-network-generator|networking|dhcpcd|wpa_supplicant|ifup@|iwd|connman|netplan)/;
export const carriesLink = (unit: string): boolean => CARRIES_LINK.test(unit);

export const SERVICES_WRITES = [
  `${ETC}/*`,
  `${ETC}/*.d/*.conf`,
  `${ETC}/*.wants/*`,
  `${ETC}/*.requires/*`,
  '/etc/init.d/*',
  '/etc/rc.local',
  ...['0', '1', '2', '3', '4', '5', '6', 'S'].map((level) => `/etc/rc${level}.d/*`),
];
