import {
  ENTRY_EXTENTS_MAX,
  LINK_TARGET_MAX_BYTES,
  NAME_MAX_BYTES,
  PACK_FRAMES_MAX,
  SEGMENT_DATA_BYTES,
} from '../../common/limits.ts';
import { type FieldMap, readArray, readBytes, readInt64, readMap, readTuple, readUint } from './cbor-reader.ts';
import type { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES } from './digest.ts';

/** Where a run of a file's bytes lies: `pack` counts in the part's list, `segment` is the number of the frame. */
export interface Extent {
  readonly pack: number;
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
  readonly hash: Uint8Array;
}

/** What every captured item has: mode (low 12 bits), owner, group, mtime in nanoseconds since 1970. */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

export interface FileEntry extends Metadata {
  readonly kind: 'file';
  readonly name: Uint8Array;
  readonly sizeBytes: number;
  readonly extents: readonly Extent[];
  /** 0, or the number of its link group, counted from 1 in the order of the files. */
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

export type Entry = FileEntry | MoreEntry | FolderEntry | AncestorEntry | SymlinkEntry | HardlinkEntry;

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
  changed: 14,
  ancestor: 15,
  goesOn: 16,
} as const;
const TYPE = { file: 0, folder: 1, symlink: 2, hardlink: 3 } as const;

const KEYS_OF_MORE = new Set<number>([KEY.name, KEY.extents, KEY.goesOn]);
const KEYS_OF_ANCESTOR = new Set<number>([KEY.name, KEY.type, KEY.ancestor]);
const METADATA_KEYS = [KEY.name, KEY.type, KEY.mode, KEY.uid, KEY.gid, KEY.mtime];
const KEYS_OF_FILE = new Set<number>([...METADATA_KEYS, KEY.size, KEY.extents, KEY.group, KEY.changed, KEY.goesOn]);
const KEYS_OF_FOLDER = new Set<number>(METADATA_KEYS);
const KEYS_OF_SYMLINK = new Set<number>([...METADATA_KEYS, KEY.target]);
const KEYS_OF_HARDLINK = new Set<number>([...METADATA_KEYS, KEY.group]);

/** Ids beyond this are refused: 2^32 − 1 means "leave it" to chown. */
const OWNER_MAX = 0xffff_fffe;
const MODE_MAX = 0o7777;
const GROUP_MAX = 0xffff_fffe;
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

function writeFile(writer: CborWriter, entry: FileEntry): void {
  const optional = Number(entry.group > 0) + Number(entry.changed) + Number(entry.goesOn);
  writer.map(8 + optional);
  writeMetadata(writer, TYPE.file, entry.name, entry);
  writer.uint(KEY.size).uint(entry.sizeBytes);
  writeExtents(writer, entry.extents);
  if (entry.group > 0) writer.uint(KEY.group).uint(entry.group);
  if (entry.changed) writer.uint(KEY.changed).uint(1);
  if (entry.goesOn) writer.uint(KEY.goesOn).uint(1);
}

/** Writes one entry as a CBOR map, its keys ascending. */
export function writeEntry(writer: CborWriter, entry: Entry): void {
  switch (entry.kind) {
    case 'file':
      writeFile(writer, entry);
      return;
    case 'more':
      writer
        .map(entry.goesOn ? 3 : 2)
        .uint(KEY.name)
        .bytes(entry.name);
      writeExtents(writer, entry.extents);
      if (entry.goesOn) writer.uint(KEY.goesOn).uint(1);
      return;
    case 'folder':
      writer.map(6);
      writeMetadata(writer, TYPE.folder, entry.name, entry);
      return;
    case 'ancestor':
      writer.map(3).uint(KEY.name).bytes(entry.name).uint(KEY.type).uint(TYPE.folder).uint(KEY.ancestor).uint(1);
      return;
    case 'symlink':
      writer.map(7);
      writeMetadata(writer, TYPE.symlink, entry.name, entry);
      writer.uint(KEY.target).bytes(entry.target);
      return;
    case 'hardlink':
      writer.map(7);
      writeMetadata(writer, TYPE.hardlink, entry.name, entry);
      writer.uint(KEY.group).uint(entry.group);
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

function readMetadata(map: FieldMap): Metadata {
  return {
    mode: readUint(map.get(KEY.mode), 'a mode', MODE_MAX),
    uid: readUint(map.get(KEY.uid), 'an owner', OWNER_MAX),
    gid: readUint(map.get(KEY.gid), 'a group', OWNER_MAX),
    mtimeNs: readInt64(map.get(KEY.mtime), 'a time'),
  };
}

function readFlag(map: FieldMap, key: number): boolean {
  return map.has(key) && readUint(map.get(key), 'a mark', 1) === 1;
}

function readGroup(map: FieldMap): number {
  const group = readUint(map.get(KEY.group), 'a link group', GROUP_MAX);
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
    return { kind: 'more', name, extents: readExtents(map.get(KEY.extents), caps), goesOn: readFlag(map, KEY.goesOn) };
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
  throw damaged('the manifest holds a type of item that this version cannot restore');
}
