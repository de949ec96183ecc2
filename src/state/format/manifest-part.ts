import { NAME_MAX_BYTES, SEGMENT_PLAIN_MAX_BYTES } from '../../common/limits.ts';
import { type FolderBlock, readBlock } from './block.ts';
import { decodeCbor, readArray, readBytes, readMap, readUint } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES } from './digest.ts';
import { partCaps } from './entry.ts';

/** One part of a manifest. Names of users and groups are bytes, by number. */
export interface ManifestPart {
  readonly packs: readonly Uint8Array[];
  readonly userNames: ReadonlyMap<number, Uint8Array>;
  readonly groupNames: ReadonlyMap<number, Uint8Array>;
  readonly blocks: readonly FolderBlock[];
}

const KEY = { version: 0, packs: 1, userNames: 2, groupNames: 3, folders: 4 } as const;
const KEYS = new Set<number>(Object.values(KEY));
const VERSION = 1;

function writeNames(writer: CborWriter, names: ReadonlyMap<number, Uint8Array>): void {
  writer.map(names.size);
  for (const id of [...names.keys()].sort((a, b) => a - b)) writer.uint(id).bytes(names.get(id)!);
}

/** Encodes a part from blocks that are CBOR already; the result is the caller's. */
export function encodePart(part: Omit<ManifestPart, 'blocks'>, blocks: { count: number; cbor: Uint8Array }): Buffer {
  const writer = new CborWriter(blocks.cbor.length + 4096);
  writer.map(5).uint(KEY.version).uint(VERSION).uint(KEY.packs).array(part.packs.length);
  for (const id of part.packs) writer.bytes(id);
  writeNames(writer.uint(KEY.userNames), part.userNames);
  writeNames(writer.uint(KEY.groupNames), part.groupNames);
  writer.uint(KEY.folders).array(blocks.count).raw(blocks.cbor);
  return writer.view();
}

function readNames(value: unknown): Map<number, Uint8Array> {
  if (!(value instanceof Map)) throw damaged('the names of owners are not a map');
  const names = new Map<number, Uint8Array>();
  for (const [id, name] of value) {
    names.set(readUint(id, 'an owner', 0xffff_ffff), readBytes(name, 'an owner’s name', 0, NAME_MAX_BYTES));
  }
  return names;
}

/** Decodes a manifest part. Throws `damaged`. */
export function decodePart(plain: Uint8Array): ManifestPart {
  if (plain.length > SEGMENT_PLAIN_MAX_BYTES) throw damaged('a manifest part is too long');
  const map = readMap(decodeCbor(plain, 'a manifest part'), 'a manifest part', KEYS);
  if (readUint(map.get(KEY.version), 'the version of a manifest part') !== VERSION) {
    throw damaged('a manifest part has a version that this program does not know');
  }
  const packs = readArray(map.get(KEY.packs), 'the packs of a part', SEGMENT_PLAIN_MAX_BYTES).map((id) =>
    readBytes(id, 'a pack id', DIGEST_BYTES, DIGEST_BYTES),
  );
  const caps = partCaps(packs.length);
  return {
    packs,
    userNames: readNames(map.get(KEY.userNames)),
    groupNames: readNames(map.get(KEY.groupNames)),
    blocks: readArray(map.get(KEY.folders), 'the folders of a part', SEGMENT_PLAIN_MAX_BYTES).map((item) =>
      readBlock(item, caps),
    ),
  };
}
