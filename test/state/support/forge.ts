import { randomBytes } from 'node:crypto';
import { bytesOfHex } from '../../../src/common/bytes.ts';
import { PACK_MAX_BYTES } from '../../../src/common/limits.ts';
import { describeSnapshot } from '../../../src/state/capture/index.ts';
import { BlockWriter } from '../../../src/state/format/block.ts';
import { CborWriter } from '../../../src/state/format/cbor-writer.ts';
import type { Entry, Extent, FolderEntry, SpecialEntry } from '../../../src/state/format/entry.ts';
import type { Extras } from '../../../src/state/format/extras.ts';
import { KIND } from '../../../src/state/format/frame-cipher.ts';
import { digest, encodePart, frameBody, PackWriter, type Totals } from '../../../src/state/format/index.ts';
import { SegmentBuilder } from '../../../src/state/format/segment.ts';
import { about, identity, MemoryPacks } from './source-machine.ts';

const meta = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 1n };
const namesOf = (names: Record<number, string> = {}) =>
  new Map(Object.entries(names).map(([id, name]) => [Number(id), Buffer.from(name)]));
const bytesOf = (name: string) => Buffer.from(name, 'latin1');

export const folder = (name: string, changes: Partial<FolderEntry> = {}): Entry => ({
  kind: 'folder',
  name: bytesOf(name),
  ...meta,
  mode: 0o755,
  ...changes,
});
export const ancestor = (name: string): Entry => ({ kind: 'ancestor', name: bytesOf(name) });
export const symlink = (name: string, target: string): Entry => ({
  kind: 'symlink',
  name: bytesOf(name),
  ...meta,
  target: bytesOf(target),
});
export const hardlink = (name: string, group: number): Entry => ({
  kind: 'hardlink',
  name: bytesOf(name),
  ...meta,
  group,
});
/** What every forged file holds: the whole data of the one segment. */
export const DATA = Buffer.from('#!/bin/sh\necho owned\n');
export const goodExtent = (): Extent => ({ pack: 0, segment: 0, offset: 0, length: DATA.length, hash: digest(DATA) });
export const file = (name: string, changes: Partial<Extract<Entry, { kind: 'file' }>> = {}): Entry => ({
  kind: 'file',
  name: bytesOf(name),
  ...meta,
  sizeBytes: DATA.length,
  extents: [goodExtent()],
  group: 0,
  changed: false,
  goesOn: false,
  ...changes,
});

export const special = (
  name: string,
  kind: 'fifo' | 'character' | 'block',
  changes: Partial<SpecialEntry> = {},
): Entry => ({ kind, name: bytesOf(name), ...meta, major: 0, minor: 0, ...changes });

/** Extras of nothing, to be changed. */
export const extras = (changes: Partial<Extras> = {}): Extras => ({
  xattrs: [],
  accessAcl: [],
  defaultAcl: [],
  flags: 0,
  ...changes,
});

export interface ForgedBlock {
  path: string[];
  entries: Entry[];
}

/** A snapshot with a valid signature and valid seals, whose manifest says whatever it is told to. */
export async function forge(
  blocks: readonly ForgedBlock[],
  changes: {
    totals?: Partial<Totals>;
    roots?: string[][];
    entries?: number;
    extraPack?: boolean;
    users?: Record<number, string>;
    groups?: Record<number, string>;
    machineName?: string;
  } = {},
): Promise<{ descriptor: Uint8Array; packs: MemoryPacks }> {
  const packs = new MemoryPacks();
  const seal = async (kind: typeof KIND.content | typeof KIND.manifest, plain: Uint8Array) => {
    const out = new Uint8Array(PACK_MAX_BYTES);
    const writer = new PackWriter(out, identity.stateKey, identity.stateId, randomBytes);
    writer.add(frameBody(kind, plain));
    const { id, sizeBytes } = writer.finish();
    await packs.put({ id, bytes: out.subarray(0, sizeBytes) });
    return { id, sizeBytes };
  };
  const segment = new SegmentBuilder();
  segment.room(DATA.length).set(DATA);
  segment.add({ entry: 0, fileOffset: 0, length: DATA.length, hash: digest(DATA) });
  const content = await seal(KIND.content, segment.plain());

  const cbor = new CborWriter();
  const totals = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, specials: 0, bytes: 0 };
  let entries = 0;
  for (const block of blocks) {
    const writer = new BlockWriter();
    writer.begin(block.path.map(bytesOf));
    for (const entry of block.entries) {
      writer.entry(entry);
      if (entry.kind !== 'more') entries += 1;
      if (entry.kind === 'file') totals.files += 1;
      if (entry.kind === 'file') totals.bytes += entry.sizeBytes;
      if (entry.kind === 'folder') totals.folders += 1;
      if (entry.kind === 'symlink') totals.symlinks += 1;
      if (entry.kind === 'hardlink') totals.hardlinks += 1;
      if (entry.kind === 'fifo' || entry.kind === 'character' || entry.kind === 'block') totals.specials += 1;
    }
    cbor.raw(writer.view());
  }
  const other = changes.extraPack ? randomBytes(32) : bytesOfHex(content.id);
  const plain = encodePart(
    { packs: [other], userNames: namesOf(changes.users), groupNames: namesOf(changes.groups) },
    { count: blocks.length, cbor: cbor.view() },
  );
  const manifest = await seal(KIND.manifest, plain);
  const descriptor = await describeSnapshot(
    {
      packs: [content, manifest],
      parts: [{ pack: 1, frame: 0, hash: digest(plain), entries: changes.entries ?? entries }],
      roots: (changes.roots ?? [['r']]).map((root) => root.map(bytesOf)),
      totals: { ...totals, ...changes.totals },
      leftOut: { count: 0, items: [] },
    },
    { ...about(identity), machineName: changes.machineName ?? about(identity).machineName },
  );
  return { descriptor, packs };
}
