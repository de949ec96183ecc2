import {
  ENTRY_EXTENTS_MAX,
  KEY_FILE_MAX_BYTES,
  LEFT_OUT_BYTES_MAX,
  MANIFEST_BLOCK_BYTES,
  MANIFEST_PART_BYTES,
  MANIFEST_PART_MIN_BYTES,
  MANIFEST_PARTS_AIM,
  PACK_MAX_BYTES,
  PACK_SMALL_BYTES,
  REREAD_BYTES_MAX,
  SEGMENT_DATA_BYTES,
  SEGMENT_EXTENTS_MAX,
} from '../../common/limits.ts';

/** What a scan counts for the bound. */
export interface Counts {
  /** Bytes in whole segments of large files, and in what is gathered. */
  blocks: number;
  tails: number;
  tailBytes: number;
  entries: number;
  /** The plan as CBOR: folder blocks with their paths. */
  planBytes: number;
  longestPathBytes: number;
  owners: number;
  rootBytes: number;
}

export function emptyCounts(): Counts {
  return {
    blocks: 0,
    tails: 0,
    tailBytes: 0,
    entries: 0,
    planBytes: 0,
    longestPathBytes: 0,
    owners: 0,
    rootBytes: 0,
  };
}

/** Counts a run of a file's bytes, from `start` to before `end`: whole blocks lie at multiples of SEGMENT_DATA_BYTES. */
export function countRun(counts: Counts, start: number, end: number): void {
  const firstBlock = Math.ceil(start / SEGMENT_DATA_BYTES) * SEGMENT_DATA_BYTES;
  const blocksEnd = Math.floor(end / SEGMENT_DATA_BYTES) * SEGMENT_DATA_BYTES;
  if (firstBlock > blocksEnd) {
    countTail(counts, end - start);
    return;
  }
  counts.blocks += (blocksEnd - firstBlock) / SEGMENT_DATA_BYTES;
  countTail(counts, firstBlock - start);
  countTail(counts, end - blocksEnd);
}

function countTail(counts: Counts, bytes: number): void {
  if (bytes === 0) return;
  counts.tails += 1;
  counts.tailBytes += bytes;
}

const EXTENT_BYTES = 56;
const FRAME_BYTES = 72;
/** Marks, link group, extents' list and number that the plan's entry does not have yet. */
const ENTRY_EXTRA_BYTES = 24;
const BLOCK_BYTES = 32;
const OWNER_BYTES = 264;
const PACK_REFERENCE_BYTES = 48;
const PART_BYTES = 128;
/** A pack may end early by one frame of at most 1.25 MiB: 16 / 14.5. */
const EARLY_END_RATIO = 1.104;
/** Padmé adds at most an eighth. */
const PADDING_RATIO = 1.125;
const KEY_FILES = 32;

/** About what an entry takes in a manifest. */
const ENTRY_BYTES = 100;

/** Where the parts of a manifest of that many entries are cut. */
export function partBytesFor(entries: number): number {
  const wished = Math.ceil((entries * ENTRY_BYTES) / MANIFEST_PARTS_AIM);
  return Math.min(MANIFEST_PART_BYTES, Math.max(MANIFEST_PART_MIN_BYTES, wished));
}

/**
 * The most bytes that the sealed state can take: packs with headers and padding, manifest, descriptor, key files.
 * Nothing is assumed to compress.
 */
export function upperBoundBytes(counts: Counts): number {
  const extents = counts.blocks + counts.tails;
  const again = counts.blocks > 0 ? REREAD_BYTES_MAX : 0;
  const contentBytes = counts.blocks * SEGMENT_DATA_BYTES + counts.tailBytes + again;
  // Of two neighbours among the gathered segments, data or extents exceed what one holds.
  const segments =
    counts.blocks + Math.ceil((2 * counts.tailBytes) / SEGMENT_DATA_BYTES + counts.tails / SEGMENT_EXTENTS_MAX + 2);
  const content = contentBytes + extents * EXTENT_BYTES + segments * FRAME_BYTES;

  const entryBytes = counts.planBytes + counts.entries * ENTRY_EXTRA_BYTES + extents * EXTENT_BYTES;
  const continued = Math.ceil(extents / ENTRY_EXTENTS_MAX) * (BLOCK_BYTES + 264);
  const cuts = Math.ceil(entryBytes / MANIFEST_BLOCK_BYTES) + 1;
  const blocks = entryBytes + continued + cuts * (BLOCK_BYTES + counts.longestPathBytes);
  const parts = Math.ceil(blocks / partBytesFor(counts.entries)) + 1;
  const packs = Math.ceil((content / PACK_SMALL_BYTES) * 1.5) + 2;
  const manifest = blocks + parts * (PART_BYTES + FRAME_BYTES + counts.owners * OWNER_BYTES) + (packs + 3 * parts) * 34;

  const sealed = content + manifest;
  const tail = Math.min(sealed, 2 * PACK_MAX_BYTES);
  const packed = (sealed - tail) * EARLY_END_RATIO + tail * PADDING_RATIO * EARLY_END_RATIO + 1024;
  const descriptor =
    (packs + 2) * PACK_REFERENCE_BYTES + parts * PACK_REFERENCE_BYTES + LEFT_OUT_BYTES_MAX + counts.rootBytes + 4096;
  return Math.ceil(packed + descriptor + KEY_FILES * KEY_FILE_MAX_BYTES);
}
