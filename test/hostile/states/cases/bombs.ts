import { RecordEnvelope } from '@libp2p/peer-record';
import { bytesOfHex } from '../../../../src/common/bytes.ts';
import { BlockWriter } from '../../../../src/state/format/block.ts';
import { CborWriter } from '../../../../src/state/format/cbor-writer.ts';
import type { Entry } from '../../../../src/state/format/entry.ts';
import { digest, encodePart } from '../../../../src/state/format/index.ts';
import { DATA, extras, file, folder, goodExtent } from '../../../state/support/forge.ts';
import { identity } from '../../../state/support/source-machine.ts';
import type { Forging } from '../support/forging.ts';

/** A state that is small and unfolds, and how the program must end. */
export interface Bomb {
  readonly name: string;
  readonly cve?: readonly string[];
  /** Returns the descriptor where it is no ordinary one. */
  readonly forge: (snapshot: Forging) => Promise<Uint8Array | undefined>;
  readonly args: (store: string, target: string) => readonly string[];
  readonly status: number;
  /** What stands in what it prints. */
  readonly says: RegExp;
  /** By hand only. */
  readonly isLong?: boolean;
}

const MIB = 1024 * 1024;
const r = { path: [], entries: [folder('r')] };
const restore = (store: string, target: string) => [
  'restore',
  '--store',
  store,
  '--into',
  target,
  '--from',
  identity.source,
];
const verify = (store: string) => ['store', 'verify', store];

/** A list of that many items, each the same bytes. */
function listOf(count: number, item: Uint8Array): Uint8Array {
  const writer = new CborWriter();
  writer.array(count).raw(Buffer.alloc(count * item.length, item));
  return writer.view();
}

const EMPTY_MAP = Buffer.of(0xa0);
const SHORT_LIST = Buffer.of(0x81, 0x00);

async function endless(snapshot: Forging, item: Uint8Array): Promise<undefined> {
  snapshot.part(listOf(Math.floor((2 * MIB - 16) / item.length), item), 0);
}

/** An envelope with a right signature around any payload. */
async function signed(payload: Uint8Array): Promise<Uint8Array> {
  const record = {
    domain: 'resettle/1 snapshot',
    codec: Buffer.from('/resettle/snapshot'),
    marshal: () => payload,
    equals: () => false,
  };
  return (await RecordEnvelope.seal(record, identity.privateKey)).marshal();
}

/** Parts of one folder each of which goes on with what `entriesOf` gives. */
function* partsOf(snapshot: Forging, count: number, entriesOf: (part: number) => readonly Entry[]) {
  const packs = [bytesOfHex(snapshot.references[0]!.id)];
  for (let part = 0; part < count; part++) {
    const writer = new BlockWriter();
    writer.begin([Buffer.from('r')]);
    const entries = entriesOf(part);
    for (const entry of entries) {
      writer.entry(entry);
      snapshot.count(entry);
    }
    const names = { userNames: new Map(), groupNames: new Map() };
    const plain = encodePart({ packs, ...names }, { count: 1, cbor: writer.view() });
    yield { plain, entries: entries.filter(({ kind }) => kind !== 'more').length };
  }
}

/** Folders beside each other, each with as many attributes as an item may have. */
async function heavyFolders(snapshot: Forging, parts: number): Promise<undefined> {
  const xattrs = [0, 1, 2, 3].map((at) => ({ name: Buffer.from(`user.${at}`), value: Buffer.alloc(60_000) }));
  snapshot.blocks([r]);
  snapshot.manyParts(
    partsOf(snapshot, parts, (part) =>
      [0, 1, 2, 3, 4, 5].map((at) => folder(`${part * 6 + at}`.padStart(8, '0'), { extras: extras({ xattrs }) })),
    ),
  );
}

/** One file of pieces of one byte each, all of them the same. */
async function crumbs(snapshot: Forging, runs: number): Promise<undefined> {
  const crumb = { ...goodExtent(), length: 1, hash: digest(DATA.subarray(0, 1)) };
  const extents = Array.from({ length: 4096 }, () => crumb);
  snapshot.blocks([r]);
  const more = (goesOn: boolean): Entry => ({ kind: 'more', name: Buffer.from('a'), extents, goesOn });
  snapshot.manyParts(
    partsOf(snapshot, runs, (part) => {
      const isLast = part === runs - 1;
      const first = part === 0 ? [file('a', { extents, sizeBytes: runs * 8 * 4096, goesOn: true })] : [more(true)];
      return [...first, ...Array.from({ length: 7 }, (_, at) => more(!isLast || at < 6))];
    }),
  );
}

/** Empty files in one folder. */
async function manyFiles(snapshot: Forging, parts: number, perPart: number): Promise<undefined> {
  snapshot.blocks([r]);
  snapshot.manyParts(
    partsOf(snapshot, parts, (part) =>
      Array.from({ length: perPart }, (_, at) =>
        file(`${part * perPart + at}`.padStart(9, '0'), { sizeBytes: 0, extents: [] }),
      ),
    ),
  );
}

/** Empty folders in one folder, with names of 200 bytes. */
async function manyFolders(snapshot: Forging, count: number): Promise<undefined> {
  snapshot.blocks([r]);
  const per = 4000;
  const name = (at: number): string => `${at}`.padStart(9, '0').padEnd(200, 'x');
  snapshot.manyParts(
    partsOf(snapshot, count / per, (part) => Array.from({ length: per }, (_, at) => folder(name(part * per + at)))),
  );
  const names = { userNames: new Map(), groupNames: new Map() };
  const blocks = function* () {
    for (let from = 0; from < count; from += per) {
      const cbor = new CborWriter();
      for (let at = from; at < from + per; at++) {
        const writer = new BlockWriter();
        writer.begin([Buffer.from('r'), Buffer.from(name(at))]);
        cbor.raw(writer.view());
      }
      yield { plain: encodePart({ packs: [], ...names }, { count: per, cbor: cbor.view() }), entries: 0 };
    }
  };
  snapshot.manyParts(blocks());
}

const endlessHole = {
  sizeBytes: Number.MAX_SAFE_INTEGER,
  extents: [],
  holes: [{ offset: 0, length: Number.MAX_SAFE_INTEGER }],
};
async function hole(snapshot: Forging): Promise<undefined> {
  snapshot.blocks([r, { path: ['r'], entries: [file('a', endlessHole)] }]);
}

export const BOMBS: readonly Bomb[] = [
  {
    name: 'a part of 2 MiB that is two million empty maps, 432 bytes sealed',
    forge: (snapshot) => endless(snapshot, EMPTY_MAP),
    args: restore,
    status: 7,
    says: /a manifest part is not valid CBOR/,
  },
  {
    name: 'a part of 2 MiB that is a million lists of one item, told of by a check of the store',
    forge: (snapshot) => endless(snapshot, SHORT_LIST),
    args: verify,
    status: 7,
    says: /a manifest part is not valid CBOR/,
  },
  {
    name: 'a descriptor of 4 million empty maps, which is read before any key is asked for',
    forge: () => signed(listOf(4 * MIB - 70 * 1024, EMPTY_MAP)),
    args: restore,
    status: 7,
    says: /a descriptor is not valid CBOR/,
  },
  {
    name: 'two thousand folders beside each other with 240 KB of attributes each, 2 MB sealed',
    forge: (snapshot) => heavyFolders(snapshot, 334),
    args: restore,
    status: 7,
    says: /a folder of the manifest is missing/,
  },
  {
    name: 'a file of 8 PiB that is one hole',
    forge: hole,
    args: restore,
    status: 3,
    says: /not restored: /,
  },
  {
    name: 'a file of 8 PiB that is one hole, told of by a check of the store',
    forge: hole,
    args: verify,
    status: 0,
    says: /"files":1/,
  },
  {
    name: 'four million pieces of one byte each, told of by a check of the store',
    forge: (snapshot) => crumbs(snapshot, 122),
    args: verify,
    status: 0,
    says: /"files":1/,
    isLong: true,
  },
  {
    name: 'four million pieces of one byte each, restored',
    forge: (snapshot) => crumbs(snapshot, 122),
    args: restore,
    status: 0,
    says: /"files":1/,
    isLong: true,
  },
  {
    name: 'three million empty files, only looked at',
    cve: ['CVE-2024-28863'],
    forge: (snapshot) => manyFiles(snapshot, 300, 10_000),
    args: (store, target) => [...restore(store, target), '--dry-run'],
    status: 0,
    says: /"files":3000000/,
    isLong: true,
  },
  {
    name: 'six hundred thousand folders with names of 200 bytes, only looked at',
    cve: ['CVE-2024-28863'],
    forge: (snapshot) => manyFolders(snapshot, 600_000),
    args: (store, target) => [...restore(store, target), '--dry-run'],
    status: 0,
    says: /"folders":600001/,
    isLong: true,
  },
];
