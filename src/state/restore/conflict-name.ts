import { NAME_MAX_BYTES } from '../../common/limits.ts';

const DOT = 0x2e;
/** What follows the last dot of a name is its extension if it is not longer than this. */
const EXTENSION_MAX_BYTES = 16;
const MACHINE_MAX_CHARS = 32;
const NS_PER_MS = 1_000_000n;

/** `MACHINE DATE`, with nothing in it that a name of a file cannot have. */
export function conflictLabel(machineName: string, capturedAtNs: bigint): string {
  const odd = /[\p{Cc}\p{Cf}/\\:*?"<>|\ufffd]/gu;
  const machine = [...machineName.toWellFormed().replaceAll(odd, '-')].slice(0, MACHINE_MAX_CHARS).join('').trim();
  const date = new Date(Number(capturedAtNs / NS_PER_MS));
  const day = Number.isNaN(date.getTime()) ? '' : date.toISOString().split('T')[0]!;
  return `${machine || 'restored'} ${day}`.trim();
}

/**
 * The other name of an item that finds its own taken: `NAME (LABEL).EXT`, from the second try on `NAME (LABEL 2).EXT`. At
 * most 255 bytes: NAME is cut, between two characters where it is text.
 */
export function conflictName(name: Uint8Array, label: string, attempt: number, isFolder: boolean): Buffer {
  const dot = isFolder ? -1 : name.lastIndexOf(DOT);
  const hasExtension = dot > 0 && name.length - dot <= EXTENSION_MAX_BYTES;
  const extension = hasExtension ? name.subarray(dot) : new Uint8Array(0);
  const mark = Buffer.from(attempt === 1 ? ` (${label})` : ` (${label} ${attempt})`);
  const stem = hasExtension ? name.subarray(0, dot) : name;
  return Buffer.concat([cut(stem, NAME_MAX_BYTES - mark.length - extension.length), mark, extension]);
}

/** Never ends within a character of UTF-8. */
function cut(stem: Uint8Array, maxBytes: number): Uint8Array {
  if (stem.length <= maxBytes) return stem;
  let end = maxBytes;
  while (end > maxBytes - 4 && end > 0 && (stem[end]! & 0xc0) === 0x80) end -= 1;
  return stem.subarray(0, (stem[end]! & 0xc0) === 0x80 ? maxBytes : end);
}

/** The first other name that is free. */
export function freeConflictName(
  name: Uint8Array,
  label: string,
  isFolder: boolean,
  isTaken: (name: Buffer) => boolean,
): Buffer {
  for (let attempt = 1; ; attempt++) {
    const other = conflictName(name, label, attempt, isFolder);
    if (!isTaken(other)) return other;
  }
}
