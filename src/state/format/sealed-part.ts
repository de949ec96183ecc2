import { createSecretKey } from 'node:crypto';
import type { RandomBytes } from '../../common/clock.ts';
import type { StateId } from '../../common/ids.ts';
import {
  DESCRIPTOR_MAX_BYTES,
  ENTRIES_MAX,
  PACK_FRAMES_MAX,
  PATH_DEPTH_MAX,
  REPORT_ITEMS_MAX,
} from '../../common/limits.ts';
import { type FolderPath, readPath } from './block.ts';
import { decodeCbor, readArray, readBytes, readInt64, readMap, readText, readTuple, readUint } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import { damaged } from './damaged.ts';
import { DIGEST_BYTES } from './digest.ts';
import { KIND, open, sealInto, TAG_BYTES } from './frame-cipher.ts';
import { descriptorKey, SALT_BYTES } from './keys.ts';

/** Where a manifest part lies: `pack` counts in the descriptor's list of packs. */
export interface PartReference {
  readonly pack: number;
  readonly frame: number;
  readonly hash: Uint8Array;
  readonly entries: number;
}

export interface Totals {
  readonly files: number;
  readonly folders: number;
  readonly symlinks: number;
  readonly hardlinks: number;
  /** FIFOs and device nodes. */
  readonly specials: number;
  readonly bytes: number;
}

/** Items that were left out, each path as bytes; `count` may be more than are named. */
export interface LeftOut {
  readonly count: number;
  readonly items: readonly { readonly path: Uint8Array; readonly reason: string }[];
}

/** What a descriptor says only to those who have the state key. */
export interface SealedPart {
  readonly roots: readonly FolderPath[];
  readonly parts: readonly PartReference[];
  readonly totals: Totals;
  readonly capturedAtNs: bigint;
  readonly machineName: string;
  readonly platform: string;
  readonly leftOut: LeftOut;
}

const KEYS = new Set([0, 1, 2, 3, 4, 5, 6]);
const ROOTS_MAX = 10_000;
const TEXT_MAX = 512;

/** Encodes and seals under a fresh salt: salt ‖ ciphertext ‖ tag. */
export function sealPart(part: SealedPart, stateKey: Uint8Array, state: StateId, random: RandomBytes): Uint8Array {
  const writer = new CborWriter();
  writer.map(7).uint(0).array(part.roots.length);
  for (const root of part.roots) {
    writer.array(root.length);
    for (const name of root) writer.bytes(name);
  }
  writer.uint(1).array(part.parts.length);
  for (const { pack, frame, hash, entries } of part.parts) {
    writer.array(4).uint(pack).uint(frame).bytes(hash).uint(entries);
  }
  const { files, folders, symlinks, hardlinks, specials, bytes } = part.totals;
  writer.uint(2).array(6).uint(files).uint(folders).uint(symlinks).uint(hardlinks).uint(specials).uint(bytes);
  writer.uint(3).int64(part.capturedAtNs).uint(4).text(part.machineName).uint(5).text(part.platform);
  writer.uint(6).array(2).uint(part.leftOut.count).array(part.leftOut.items.length);
  for (const { path, reason } of part.leftOut.items) writer.array(2).bytes(path).text(reason);

  const salt = random(SALT_BYTES);
  const sealed = new Uint8Array(SALT_BYTES + writer.length + TAG_BYTES);
  sealed.set(salt);
  const key = createSecretKey(descriptorKey(stateKey, salt, state));
  sealInto(sealed, SALT_BYTES, key, KIND.descriptor, 0, true, writer.view());
  return sealed;
}

/** Opens and decodes the sealed part of a descriptor. Throws `damaged`. */
export function openPart(sealed: Uint8Array, stateKey: Uint8Array, state: StateId): SealedPart {
  if (sealed.length < SALT_BYTES + TAG_BYTES) throw damaged('the sealed part of a descriptor is too short');
  const key = createSecretKey(descriptorKey(stateKey, sealed.subarray(0, SALT_BYTES), state));
  const plain = open(key, KIND.descriptor, 0, true, sealed.subarray(SALT_BYTES));
  return decodeSealedPart(plain);
}

function readTotals(value: unknown): Totals {
  const [files, folders, symlinks, hardlinks, specials, bytes] = readTuple(value, 'the totals', 6).map((item) =>
    readUint(item, 'a total'),
  ) as [number, number, number, number, number, number];
  return { files, folders, symlinks, hardlinks, specials, bytes };
}

function readLeftOut(value: unknown): LeftOut {
  const [count, items] = readTuple(value, 'the items left out', 2);
  return {
    count: readUint(count, 'the number of items left out'),
    items: readArray(items, 'the items left out', REPORT_ITEMS_MAX).map((item) => {
      const [path, reason] = readTuple(item, 'an item left out', 2);
      return {
        path: readBytes(path, 'a path left out', 0, PATH_DEPTH_MAX * 256),
        reason: readText(reason, 'a reason', TEXT_MAX),
      };
    }),
  };
}

/** Decodes the plaintext of a sealed part. Throws `damaged`. */
export function decodeSealedPart(plain: Uint8Array): SealedPart {
  const map = readMap(decodeCbor(plain, 'the sealed part of a descriptor'), 'the sealed part of a descriptor', KEYS);
  return {
    roots: readArray(map.get(0), 'the roots', ROOTS_MAX).map(readPath),
    parts: readArray(map.get(1), 'the parts', DESCRIPTOR_MAX_BYTES).map((item) => {
      const [pack, frame, hash, entries] = readTuple(item, 'a part', 4);
      return {
        pack: readUint(pack, 'a part’s pack', DESCRIPTOR_MAX_BYTES),
        frame: readUint(frame, 'a part’s frame', PACK_FRAMES_MAX - 2),
        hash: readBytes(hash, 'a part’s hash', DIGEST_BYTES, DIGEST_BYTES),
        entries: readUint(entries, 'a part’s entries', ENTRIES_MAX),
      };
    }),
    totals: readTotals(map.get(2)),
    capturedAtNs: readInt64(map.get(3), 'the time of the capture'),
    machineName: readText(map.get(4), 'the machine’s name', TEXT_MAX),
    platform: readText(map.get(5), 'the platform', TEXT_MAX),
    leftOut: readLeftOut(map.get(6)),
  };
}
