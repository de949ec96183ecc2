import type { System } from '../base/system.ts';
import { isSameMonitor, type MonitorIdentity } from './edid.ts';
import { readKscreen, readKwin } from './kscreen.ts';
import { readMonitorsXml } from './monitors-xml.ts';
import { type Monitor, monitor } from './schema.ts';

const MONITORS_XML = '.config/monitors.xml';
const KWIN = '.config/kwinoutputconfig.json';
const KSCREEN_FOLDER = '.local/share/kscreen';
export const MONITOR_FILES = `~/${MONITORS_XML}, ~/${KWIN}, ~/${KSCREEN_FOLDER}`;

/** Every configuration that a home has, each one for the monitors that were there together. */
export function configurationsOf(system: System, home: string): Monitor[][] {
  const text = (path: string) => system.text(`${home}/${path}`) ?? '';
  const kscreen = system.list(`${home}/${KSCREEN_FOLDER}`);
  return [
    ...(readMonitorsXml(text(MONITORS_XML)) ?? []),
    ...[readKwin(text(KWIN)) ?? []],
    ...kscreen.map((name) => readKscreen(text(`${KSCREEN_FOLDER}/${name}`)) ?? []),
  ]
    .map((monitors) => monitors.filter((one) => monitor.safeParse(one).success))
    .filter((monitors) => monitors.length > 0);
}

/** Each monitor once, as it is with those that are plugged in now, else as in the first configuration that has it. */
export function monitorsOf(system: System, home: string, connected: readonly MonitorIdentity[]): Monitor[] {
  const configurations = configurationsOf(system, home);
  const isOfNow = (monitors: readonly Monitor[]) =>
    monitors.length === connected.length &&
    monitors.every((one) => connected.some((other) => isSameMonitor(one, other)));
  const ordered = [...configurations.filter(isOfNow), ...configurations.filter((one) => !isOfNow(one))].flat();
  return ordered.filter((one, at) => ordered.findIndex((other) => isSameMonitor(one, other)) === at);
}

/** Whether it stands upright, whatever it was built for. */
export function orientationOf({ rotation, width, height }: Monitor): 'landscape' | 'portrait' {
  const isTall = (height ?? 0) > (width ?? 0);
  const isTurned = rotation === 'left' || rotation === 'right';
  return isTall === isTurned ? 'landscape' : 'portrait';
}

/** For people, of one line. */
export function describeMonitor(one: Monitor): string {
  const { width, height, rateHz, scale, x, y } = one;
  return [
    `${orientationOf(one)} (${one.rotation})`,
    ...(width && height ? [`${width}x${height}`] : []),
    ...(rateHz ? [`${Math.round(rateHz * 100) / 100} Hz`] : []),
    ...(scale ? [`scale ${Math.round(scale * 100) / 100}`] : []),
    ...(x !== undefined && y !== undefined ? [`at ${x},${y}`] : []),
    ...(one.isPrimary ? ['primary'] : []),
  ].join(', ');
}

export const nameOf = ({ vendor, product, serial }: MonitorIdentity): string =>
  [vendor, product, serial].filter((part) => part !== '' && part !== 'unknown').join(' ');
