/** Entries, and parts of manifests, of which valid inputs are made. */
import { BlockWriter } from '../../../src/state/format/block.ts';
import type { Entry } from '../../../src/state/format/entry.ts';
import { encodePart, type ManifestPart } from '../../../src/state/format/manifest-part.ts';
import type { Random } from '../../faults/scenario.ts';
import { count, flag, listOf, maybe, someBytes, word } from './some.ts';

export const itemName = (random: Random): Buffer => Buffer.from(`${word(random)}${random.integer(99)}`);
export const someHash = (random: Random): Uint8Array => new Uint8Array(random.bytes(32));

const extras = (random: Random) => ({
  xattrs: maybe(random, () => [{ name: Buffer.from('user.a'), value: someBytes(random, 9) }]) ?? [],
  accessAcl:
    maybe(random, () => [
      { tag: 2, permissions: 7, id: 1000 },
      { tag: 4, permissions: 5, id: undefined },
    ]) ?? [],
  ...{ defaultAcl: [], flags: random.pick([0, 0x10]) },
});
function metadata(random: Random, isFolder = false) {
  const extra = maybe(random, () => extras(random));
  const has = extra && (extra.flags > 0 || extra.xattrs.length > 0 || extra.accessAcl.length > 0);
  return {
    ...{ name: itemName(random), mode: isFolder ? 0o755 : 0o644, uid: 1000, gid: random.integer(70_000) },
    ...{ mtimeNs: BigInt(count(random)) * (flag(random) ? 1000n : -1n), ...(has && { extras: extra }) },
  };
}
const extent = (random: Random) => ({
  ...{
    pack: 0,
    segment: random.integer(4),
    offset: random.integer(100),
    length: 1 + random.integer(900),
    hash: someHash(random),
  },
});
const holes = (random: Random) => ({
  holes: [
    { offset: 5, length: 1 + random.integer(99) },
    { offset: 900, length: 4 },
  ],
});

export function fileEntry(random: Random): Entry {
  return {
    ...{
      kind: 'file',
      ...metadata(random),
      sizeBytes: count(random),
      extents: listOf(random, 3, () => extent(random)),
    },
    ...(flag(random) ? holes(random) : {}),
    ...{ group: random.pick([0, 0, 7]), changed: flag(random), goesOn: flag(random) },
  } as Entry;
}

export function anyEntry(random: Random): Entry {
  const { extras: _, ...plain } = metadata(random);
  return random.pick<() => Entry>([
    () => fileEntry(random),
    () => ({
      kind: 'more',
      name: itemName(random),
      extents: [extent(random)],
      ...(flag(random) ? holes(random) : {}),
      goesOn: flag(random),
    }),
    () => ({ kind: 'folder', ...metadata(random, true) }),
    () => ({ kind: 'ancestor', name: itemName(random) }),
    () => ({ kind: 'symlink', ...metadata(random), target: Buffer.from('../x') }),
    () => ({ kind: 'hardlink', ...plain, group: 1 + random.integer(9) }),
    () => ({ kind: 'fifo', ...metadata(random), major: 0, minor: 0 }),
    () => ({
      kind: random.pick(['character', 'block'] as const),
      ...metadata(random),
      major: 8,
      minor: random.integer(99),
    }),
  ])();
}

export function manifestPart(random: Random): ManifestPart {
  return {
    packs: [someHash(random), someHash(random)],
    userNames: new Map([
      [0, Buffer.from('root')],
      [1000, itemName(random)],
    ]),
    groupNames: new Map([[27, Buffer.from('sudo')]]),
    blocks: listOf(random, 3, () => ({
      path: listOf(random, 3, () => itemName(random)),
      entries: listOf(random, 4, () => anyEntry(random)),
    })),
  };
}

export function writePart(of: ManifestPart): Buffer {
  const writer = new BlockWriter();
  const blocks = of.blocks.map(({ path, entries }) => {
    writer.begin(path);
    for (const one of entries) writer.entry(one);
    return Buffer.from(writer.view());
  });
  return encodePart(of, { count: blocks.length, cbor: Buffer.concat(blocks) });
}
