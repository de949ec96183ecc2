import {
  ENTRY_EXTENTS_MAX,
  LINK_GROUPS_MAX,
  LINK_TARGET_MAX_BYTES,
  NAME_MAX_BYTES,
  PACK_FRAMES_MAX,
  SEGMENT_DATA_BYTES,
} from '../../common/limits.ts';
import { type FieldMap, readArray, readBytes, readInt64, readMap, readTuple, readUint } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES } from './digest.ts';
import { EXTRA_KEYS, type Extras, extraCount, readExtras, writeExtras, writeFlags } from './extras.ts';

/** Where a run of a file's bytes lies: `pack` counts in the part's list, `segment` is the number of the frame. */
export interface Extent {
  readonly pack: number;
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

/** A run of a file that holds nothing: it reads as zeros and takes no room. */
export interface Hole {
  readonly offset: number;
  readonly length: number;
}

/** What every captured item has: mode (low 12 bits), owner, group, mtime in nanoseconds since 1970. */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** What few items have. */
  readonly extras?: Extras | undefined;
}

export interface FileEntry extends Metadata {
  readonly kind: 'file';
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  /** Ascending, in bytes of the file; extents and holes together cover it in order. */
  readonly holes?: readonly Hole[] | undefined;
  /** 0, or the number of its link group: the same one in every snapshot of a state. */
  readonly group: number;
  /** The file changed while it was read. */
  readonly changed: boolean;
  /** More extents follow in the next entry. */
  readonly goesOn: boolean;
}

/** Further extents of the file before it. It has no number of its own. */
export interface MoreEntry {
  readonly kind: 'more';
  readonly name: Uint8Array;
  readonly extents: readonly Extent[];
  readonly holes?: readonly Hole[] | undefined;
  readonly goesOn: boolean;
}

export interface FolderEntry extends Metadata {
  readonly kind: 'folder';
  readonly name: Uint8Array;
}

/** A folder above what was captured; its metadata was not. */
export interface AncestorEntry {
  readonly kind: 'ancestor';
  readonly name: Uint8Array;
}

export interface SymlinkEntry extends Metadata {
  readonly kind: 'symlink';
  readonly name: Uint8Array;
  readonly target: Uint8Array;
}

export interface HardlinkEntry extends Metadata {
  readonly kind: 'hardlink';
  readonly name: Uint8Array;
  readonly group: number;
}

/** A FIFO or a device node; major and minor are 0 for a FIFO. */
export interface SpecialEntry extends Metadata {
  readonly kind: 'fifo' | 'character' | 'block';
  readonly name: Uint8Array;
  readonly major: number;
  readonly minor: number;
}

export type Entry = FileEntry | MoreEntry | FolderEntry | AncestorEntry | SymlinkEntry | HardlinkEntry | SpecialEntry;

const KEY = {
  name: 0,
  type: 1,
  mode: 2,
  uid: 3,
  gid: 4,
  mtime: 5,
  size: 6,
  extents: 7,
  target: 8,
  group: 9,
  device: 12,
  holes: 13,
  changed: 14,
  ancestor: 15,
  goesOn: 16,
} as const;
const TYPE = { file: 0, folder: 1, symlink: 2, hardlink: 3, fifo: 4, character: 5, block: 6 } as const;

const KEYS_OF_MORE = new Set<number>([KEY.name, KEY.extents, KEY.holes, KEY.goesOn]);
const KEYS_OF_ANCESTOR = new Set<number>([KEY.name, KEY.type, KEY.ancestor]);
const METADATA_KEYS = [KEY.name, KEY.type, KEY.mode, KEY.uid, KEY.gid, KEY.mtime, ...EXTRA_KEYS];
const KEYS_OF_FILE = new Set<number>([
  ...METADATA_KEYS,
  KEY.size,
  KEY.extents,
  KEY.group,
  KEY.holes,
  KEY.changed,
  KEY.goesOn,
]);
const KEYS_OF_FOLDER = new Set<number>(METADATA_KEYS);
const KEYS_OF_SYMLINK = new Set<number>([...METADATA_KEYS, KEY.target]);
const KEYS_OF_HARDLINK = new Set<number>([KEY.name, KEY.type, KEY.mode, KEY.uid, KEY.gid, KEY.mtime, KEY.group]);
const KEYS_OF_FIFO = new Set<number>(METADATA_KEYS);
const KEYS_OF_DEVICE = new Set<number>([...METADATA_KEYS, KEY.device]);

/** Ids beyond this are refused: 2^32 − 1 means "leave it" to chown. */
const OWNER_MAX = 0xffff_fffe;
const MODE_MAX = 0o7777;
/** Bits of a device number on Linux. */
const MAJOR_MAX = 0xffff_ffff;
const MINOR_MAX = 0xffff_ffff;
const SLASH = 0x2f;
const DOT = 0x2e;

/** True for a single component that names something: not empty, not `.` or `..`, no `/`, no NUL. */
export function isSafeName(name: Uint8Array): boolean {
  if (name.length === 0 || name.length > NAME_MAX_BYTES) return false;
  if (name[0] === DOT && (name.length === 1 || (name.length === 2 && name[1] === DOT))) return false;
  return !name.includes(0) && !name.includes(SLASH);
}

/** A name out of a manifest. Throws `damaged` when it is not a single safe component. */
export function readName(value: unknown): Uint8Array {
  const name = readBytes(value, 'a name', 1, NAME_MAX_BYTES);
  if (!isSafeName(name)) throw damaged('a name in the manifest would lead out of its folder');
  return name;
}

function writeExtents(writer: CborWriter, extents: readonly Extent[]): void {
  writer.uint(KEY.extents).array(extents.length);
  for (const { pack, segment, offset, length, hash } of extents) {
    writer.array(5).uint(pack).uint(segment).uint(offset).uint(length).bytes(hash);
  }
}

function writeMetadata(writer: CborWriter, type: number, name: Uint8Array, metadata: Metadata): void {
  writer.uint(KEY.name).bytes(name).uint(KEY.type).uint(type).uint(KEY.mode).uint(metadata.mode);
  writer.uint(KEY.uid).uint(metadata.uid).uint(KEY.gid).uint(metadata.gid).uint(KEY.mtime).int64(metadata.mtimeNs);
}

function writeHoles(writer: CborWriter, holes: readonly Hole[]): void {
  writer.uint(KEY.holes).array(holes.length);
  for (const { offset, length } of holes) writer.array(2).uint(offset).uint(length);
}

function writeFile(writer: CborWriter, entry: FileEntry): void {
  const { extras, holes } = entry;
  const optional = Number(entry.group > 0) + Number(!!holes) + Number(entry.changed) + Number(entry.goesOn);
  writer.map(8 + optional + extraCount(extras));
  writeMetadata(writer, TYPE.file, entry.name, entry);
  writer.uint(KEY.size).uint(entry.sizeBytes);
  writeExtents(writer, entry.extents);
  if (entry.group > 0) writer.uint(KEY.group).uint(entry.group);
  if (extras) writeExtras(writer, extras);
  if (holes) writeHoles(writer, holes);
  if (entry.changed) writer.uint(KEY.changed).uint(1);
  if (entry.goesOn) writer.uint(KEY.goesOn).uint(1);
  if (extras) writeFlags(writer, extras);
}

function writeMore(writer: CborWriter, entry: MoreEntry): void {
  const { holes } = entry;
  writer.map(2 + Number(!!holes) + Number(entry.goesOn));
  writer.uint(KEY.name).bytes(entry.name);
  writeExtents(writer, entry.extents);
  if (holes) writeHoles(writer, holes);
  if (entry.goesOn) writer.uint(KEY.goesOn).uint(1);
}

/** Metadata, what is the type's own, and extras, with the keys of all ascending. */
function writeItem(
  writer: CborWriter,
  type: number,
  entry: Metadata & { readonly name: Uint8Array },
  before?: () => void,
  after?: () => void,
): void {
  const { extras } = entry;
  writer.map(6 + Number(!!before) + Number(!!after) + extraCount(extras));
  writeMetadata(writer, type, entry.name, entry);
  before?.();
  if (extras) writeExtras(writer, extras);
  after?.();
  if (extras) writeFlags(writer, extras);
}

/** Writes one entry as a CBOR map, its keys ascending. */
export function writeEntry(writer: CborWriter, entry: Entry): void {
  switch (entry.kind) {
    case 'file':
      writeFile(writer, entry);
      return;
    case 'more':
      writeMore(writer, entry);
      return;
    case 'folder':
      writeItem(writer, TYPE.folder, entry);
      return;
    case 'ancestor':
      writer.map(3).uint(KEY.name).bytes(entry.name).uint(KEY.type).uint(TYPE.folder).uint(KEY.ancestor).uint(1);
      return;
    case 'symlink':
      writeItem(writer, TYPE.symlink, entry, () => writer.uint(KEY.target).bytes(entry.target));
      return;
    case 'hardlink':
      writer.map(7);
      writeMetadata(writer, TYPE.hardlink, entry.name, entry);
      writer.uint(KEY.group).uint(entry.group);
      return;
    case 'fifo':
      writeItem(writer, TYPE.fifo, entry);
      return;
    case 'character':
    case 'block':
      writeItem(writer, TYPE[entry.kind], entry, undefined, () =>
        writer.uint(KEY.device).array(2).uint(entry.major).uint(entry.minor),
      );
      return;
  }
}

/** How many packs and frames an extent may refer to: fewer in a part than in the scratch files of a capture. */
export interface ExtentCaps {
  readonly packs: number;
  readonly segments: number;
}

function readExtents(value: unknown, caps: ExtentCaps): Extent[] {
  return readArray(value, 'the extents of a file', ENTRY_EXTENTS_MAX).map((item) => {
    const tuple = readTuple(item, 'an extent', 5);
    const length = readUint(tuple[3], 'an extent’s length', SEGMENT_DATA_BYTES);
    if (length === 0) throw damaged('an extent is empty');
    return {
      pack: readUint(tuple[0], 'an extent’s pack', caps.packs - 1),
      segment: readUint(tuple[1], 'an extent’s segment', caps.segments - 1),
      offset: readUint(tuple[2], 'an extent’s offset', SEGMENT_DATA_BYTES - length),
      length,
      hash: readBytes(tuple[4], 'an extent’s hash', DIGEST_BYTES, DIGEST_BYTES),
    };
  });
}

function readHoles(map: FieldMap): { holes?: readonly Hole[] } {
  if (!map.has(KEY.holes)) return {};
  let end = 0;
  const holes = readArray(map.get(KEY.holes), 'the holes of a file', ENTRY_EXTENTS_MAX).map((item) => {
    const tuple = readTuple(item, 'a hole', 2);
    const hole = { offset: readUint(tuple[0], 'a hole’s offset'), length: readUint(tuple[1], 'a hole’s length') };
    if (hole.length === 0 || hole.offset < end) throw damaged('the holes of a file are empty or out of order');
    end = hole.offset + hole.length;
    if (!Number.isSafeInteger(end)) throw damaged('a hole of a file is too long');
    return hole;
  });
  if (holes.length === 0) throw damaged('a list of holes is empty');
  return { holes };
}

function readMetadata(map: FieldMap): Metadata {
  const extras = readExtras(map);
  return {
    mode: readUint(map.get(KEY.mode), 'a mode', MODE_MAX),
    uid: readUint(map.get(KEY.uid), 'an owner', OWNER_MAX),
    gid: readUint(map.get(KEY.gid), 'a group', OWNER_MAX),
    mtimeNs: readInt64(map.get(KEY.mtime), 'a time'),
    ...(extras && { extras }),
  };
}

function readDevice(map: FieldMap): { major: number; minor: number } {
  const [major, minor] = readTuple(map.get(KEY.device), 'a device', 2);
  return { major: readUint(major, 'a major number', MAJOR_MAX), minor: readUint(minor, 'a minor number', MINOR_MAX) };
}

function readFlag(map: FieldMap, key: number): boolean {
  return map.has(key) && readUint(map.get(key), 'a mark', 1) === 1;
}

function readGroup(map: FieldMap): number {
  const group = readUint(map.get(KEY.group), 'a link group', LINK_GROUPS_MAX);
  if (group === 0) throw damaged('a link group has the number 0');
  return group;
}

const FRAME_CAPS = { segments: PACK_FRAMES_MAX - 1 };

/** Caps for a part that lists that many packs. */
export function partCaps(packs: number): ExtentCaps {
  return { packs, ...FRAME_CAPS };
}

/** Reads one entry of a manifest. Unknown keys and types are refused. Throws `damaged`. */
export function readEntry(value: unknown, caps: ExtentCaps): Entry {
  if (!(value instanceof Map)) throw damaged('an entry is not a map');
  const name = readName(value.get(KEY.name));
  if (!value.has(KEY.type)) {
    const map = readMap(value, 'the continuation of a file', KEYS_OF_MORE);
    const extents = readExtents(map.get(KEY.extents), caps);
    return { kind: 'more', name, extents, ...readHoles(map), goesOn: readFlag(map, KEY.goesOn) };
  }
  const type = readUint(value.get(KEY.type), 'a type', 6);
  if (type === TYPE.file) {
    const map = readMap(value, 'a file', KEYS_OF_FILE);
    return {
      kind: 'file',
      name,
      ...readMetadata(map),
      sizeBytes: readUint(map.get(KEY.size), 'a size'),
      extents: readExtents(map.get(KEY.extents), caps),
      ...readHoles(map),
      group: map.has(KEY.group) ? readGroup(map) : 0,
      changed: readFlag(map, KEY.changed),
      goesOn: readFlag(map, KEY.goesOn),
    };
  }
  if (type === TYPE.folder) {
    if (value.has(KEY.ancestor)) {
      readMap(value, 'an ancestor', KEYS_OF_ANCESTOR);
      return { kind: 'ancestor', name };
    }
    return { kind: 'folder', name, ...readMetadata(readMap(value, 'a folder', KEYS_OF_FOLDER)) };
  }
  if (type === TYPE.symlink) {
    const map = readMap(value, 'a symbolic link', KEYS_OF_SYMLINK);
    const target = readBytes(map.get(KEY.target), 'the target of a link', 1, LINK_TARGET_MAX_BYTES);
    if (target.includes(0)) throw damaged('the target of a link holds a NUL');
    return { kind: 'symlink', name, ...readMetadata(map), target };
  }
  if (type === TYPE.hardlink) {
    const map = readMap(value, 'a hard link', KEYS_OF_HARDLINK);
    return { kind: 'hardlink', name, ...readMetadata(map), group: readGroup(map) };
  }
  if (type === TYPE.fifo) {
    return { kind: 'fifo', name, ...readMetadata(readMap(value, 'a FIFO', KEYS_OF_FIFO)), major: 0, minor: 0 };
  }
  const map = readMap(value, 'a device', KEYS_OF_DEVICE);
  return { kind: type === TYPE.character ? 'character' : 'block', name, ...readMetadata(map), ...readDevice(map) };
}
