import type { ApiEvent } from '../api/contract.ts';
import type { ListedEntry } from '../api/store-service.ts';
import { formatBytes } from '../common/sizes.ts';

const LETTER: Readonly<Record<ListedEntry['type'], string>> = {
  file: '-',
  folder: 'd',
  symlink: 'l',
  hardlink: 'h',
  fifo: 'p',
  character: 'c',
  block: 'b',
};

/** An item as `tar tv` shows it: mode, owner, size or device, time, path. */
export function entryLine(entry: ListedEntry): string {
  const { type, mode, acl, user, uid, group, gid, device, bytes, mtimeNs, path, target } = entry;
  const owner = `${user ?? uid}/${group ?? gid}`;
  const size = device ? device.join(',') : String(bytes);
  const amount = size.padStart(Math.max(0, 27 - owner.length));
  const leads = target === undefined ? '' : type === 'hardlink' ? ` link to ${target}` : ` -> ${target}`;
  return `${LETTER[type]}${letters(mode)}${acl ? '+' : ' '} ${owner} ${amount} ${localTime(mtimeNs)} ${path}${leads}`;
}

export function entryEvent({ mtimeNs, mode, ...entry }: ListedEntry): ApiEvent {
  return { event: 'entry', ...entry, mode: mode.toString(8).padStart(4, '0'), mtime: exactTime(mtimeNs) };
}

function letters(mode: number): string {
  const three = (bits: number, special: boolean, letter: string): string => {
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? 'x' : '-';
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  };
  return (
    three(mode >> 6, (mode & 0o4000) !== 0, 's') +
    three(mode >> 3, (mode & 0o2000) !== 0, 's') +
    three(mode, (mode & 0o1000) !== 0, 't')
  );
}

/** Milliseconds since 1970, rounded down, within what a Date can hold: 64 bits of nanoseconds always are. */
const millisecondsOf = (ns: bigint): number =>
  Number((ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);

function localTime(ns: bigint): string {
  const date = new Date(millisecondsOf(ns));
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** ISO 8601 in UTC, to the nanosecond. */
function exactTime(ns: bigint): string {
  const fraction = String(((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, '0');
  return new Date(millisecondsOf(ns)).toISOString().replace(/\.\d{3}Z$/, `.${fraction}Z`);
}

/** What the store commands tell on standard output; undefined for an event that is not theirs. */
export function storeLine(event: { readonly event: string; readonly [key: string]: unknown }): string | undefined {
  const { state } = event;
  switch (event.event) {
    case 'state': {
      const keys = (event.keys as string[]).join(', ') || 'nobody';
      return `state ${state}  ${formatBytes(Number(event.bytes))}  by ${event.machine ?? 'nobody yet'}  keys for ${keys}`;
    }
    case 'snapshot': {
      const held = `  snapshot ${event.snapshot}  ${formatBytes(Number(event.packBytes))} in ${event.packs} packs`;
      if (event.capturedAt === undefined) return held;
      const content = `${event.files} files, ${formatBytes(Number(event.bytes))}`;
      return `${held}  ${event.capturedAt}  ${event.machineName}  ${content}`;
    }
    case 'damaged':
      return `damaged ${String(event.what)} ${subjectOf(event)}: ${String(event.reason)}`;
    case 'pruned': {
      const dropped = (event.dropped as number[]).join(', ') || 'none';
      const verb = event.dryRun ? 'would drop' : 'dropped';
      return `state ${state}: ${verb} snapshots ${dropped} and ${event.packs} packs, ${formatBytes(Number(event.freedBytes))}`;
    }
    default:
      return undefined;
  }
}

function subjectOf({ path, pack, snapshot, state }: { readonly [key: string]: unknown }): string {
  const of = snapshot === undefined ? `of state ${state}` : `of snapshot ${snapshot} of state ${state}`;
  return `${[path ?? pack].filter((name) => name !== undefined).join(' ')} ${of}`.trim();
}
