/** Values that makers leave where an identity should be: they stand on thousands of machines and tell none of them. */

/** As compared: lower case, one blank between words. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'to be filled by o.e.m.',
  'to be filled by oem',
  'o.e.m.',
  'default string',
  'default_string',
  'none',
  'n/a',
  'null',
  'empty',
  'invalid',
  'unknown',
  'eval',
  'standard',
  'not specified',
  'not applicable',
  'not available',
  'not settable',
  'no asset tag',
  'serial number',
  'system serial number',
  'base board serial number',
  'board serial number',
  'chassis serial number',
  'type2 - board serial number',
  'system product name',
]);

/** UUIDs of boards whose makers never set one. */
const UUIDS_OF_MANY: ReadonlySet<string> = new Set([
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '12345678-1234-1234-1234-123456789abc',
  '4c4c4544-0000-2010-8020-80c04f202020',
]);

const MACS_OF_MANY: ReadonlySet<string> = new Set([
  '00:11:22:33:44:55',
  '00:12:34:56:78:9a',
  '00:12:34:56:78:90',
  '00:01:02:03:04:05',
  '00:e0:4c:68:00:01',
  '00:e0:4c:36:00:01',
]);

/** Prefixes that hypervisors give to the adapters that they make up. Those with the local bit need no entry. */
const VIRTUAL_MAC_PREFIXES: readonly string[] = [
  '00:03:ff', // Microsoft Virtual PC
  '00:05:69', // VMware
  '00:0c:29',
  '00:1c:14',
  '00:50:56',
  '00:0f:4b', // Oracle VM
  '00:21:f6',
  '00:15:5d', // Hyper-V
  '00:16:3e', // Xen
  '00:18:51', // OpenVZ
  '00:1c:42', // Parallels
  '08:00:27', // VirtualBox
  '54:52:00', // KVM
];

const DIGITS_IN_ORDER = '01234567890123456789012345678901234567890';
const SERIAL_MIN_CHARS = 4;
const SERIAL_MAX_CHARS = 128;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const MULTICAST_OR_LOCAL = 0b11;

/** A serial number in its one form, or undefined where it is none, a placeholder or too short to tell anything. */
export function usableSerial(text: string | null): string | undefined {
  const serial = (text ?? '').replace(/\s+/g, ' ').trim().toLowerCase();
  if (serial.length < SERIAL_MIN_CHARS || serial.length > SERIAL_MAX_CHARS) return undefined;
  if (PLACEHOLDERS.has(serial) || isOneCharacter(serial)) return undefined;
  // Such as 123456789, BSN12345678901234567, MB-1234567890.
  const digits = serial.replace(/^[a-z]{0,4}[-: ]?/, '');
  if (digits.length >= 5 && DIGITS_IN_ORDER.includes(digits)) return undefined;
  return serial;
}

/** A UUID in lower case, or undefined where it is none or that of many machines. */
export function usableUuid(text: string | null): string | undefined {
  const uuid = (text ?? '').trim().toLowerCase();
  if (!UUID.test(uuid) || UUIDS_OF_MANY.has(uuid)) return undefined;
  const bytes = new Set(uuid.replaceAll('-', '').match(/../g));
  return bytes.size === 1 ? undefined : uuid;
}

/** A permanent address in lower case, or undefined where it is made up, by software or by a hypervisor. */
export function usableMac(text: string): string | undefined {
  const mac = text.trim().toLowerCase();
  if (!MAC.test(mac) || MACS_OF_MANY.has(mac)) return undefined;
  if ((Number.parseInt(mac.slice(0, 2), 16) & MULTICAST_OR_LOCAL) !== 0) return undefined;
  if (VIRTUAL_MAC_PREFIXES.includes(mac.slice(0, 8))) return undefined;
  const own = mac.slice(9);
  return own === '00:00:00' || own === 'ff:ff:ff' ? undefined : mac;
}

function isOneCharacter(text: string): boolean {
  return new Set(text.replace(/[-. ]/g, '')).size <= 1;
}
