import type { System } from '../base/system.ts';

/** What a monitor says of itself; empty where it says nothing. */
export interface MonitorIdentity {
  /** Three letters, as `DEL`. */
  readonly vendor: string;
  readonly product: string;
  readonly serial: string;
}

const HEADER = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]);
const BLOCK_BYTES = 128;
/** Four descriptors of 18 bytes follow here; text descriptors are known by their fourth byte. */
const DESCRIPTORS_AT = [54, 72, 90, 108];
const SERIAL_TEXT = 0xff;
const NAME_TEXT = 0xfc;

/** The identity in a monitor's EDID (VESA E-EDID 1.4), named as desktops name it. Undefined where it is none. */
export function readEdid(bytes: Buffer): MonitorIdentity | undefined {
  if (bytes.length < BLOCK_BYTES || !bytes.subarray(0, 8).equals(HEADER)) return undefined;
  const letters = bytes.readUInt16BE(8);
  const vendor = [letters >> 10, letters >> 5, letters].map((part) => String.fromCharCode(64 + (part & 31))).join('');
  const product = textOf(bytes, NAME_TEXT) ?? `0x${bytes.readUInt16LE(10).toString(16).padStart(4, '0')}`;
  const serial = textOf(bytes, SERIAL_TEXT) ?? `0x${bytes.readUInt32LE(12).toString(16).padStart(8, '0')}`;
  return { vendor, product, serial };
}

function textOf(bytes: Buffer, tag: number): string | undefined {
  const at = DESCRIPTORS_AT.find((place) => bytes.readUIntBE(place, 3) === 0 && bytes[place + 3] === tag);
  if (at === undefined) return undefined;
  const text = bytes
    .toString('latin1', at + 5, at + 18)
    .split('\n')[0]
    ?.replaceAll(/[^\x20-\x7e]/g, '')
    .trim();
  return text === '' ? undefined : text;
}

const DRM = '/sys/class/drm';

/** The monitors that are plugged in at the running machine. */
export function connectedMonitors(system: System): MonitorIdentity[] {
  if (!system.isLive) return [];
  return system.list(DRM).flatMap((name) => {
    const edid = system.read(`${DRM}/${name}/edid`);
    return (edid && readEdid(edid)) ?? [];
  });
}

export function isSameMonitor(one: MonitorIdentity, other: MonitorIdentity): boolean {
  return one.vendor === other.vendor && one.product === other.product && one.serial === other.serial;
}
