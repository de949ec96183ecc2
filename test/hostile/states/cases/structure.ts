import { encode } from 'cborg';
import type { Entry, Extent } from '../../../../src/state/format/entry.ts';
import { digest, encodePart } from '../../../../src/state/format/index.ts';
import { ancestor, DATA, file, folder, goodExtent, hardlink, special, symlink } from '../../../state/support/forge.ts';
import { type Block, fields, rawEntry } from '../support/forging.ts';
import type { HostileState } from '../support/hostile-state.ts';

const r = { path: [], entries: [folder('r')] };
const NOT_ANNOUNCED = /comes before its parent, or twice/;

const blocks = (name: string, all: readonly Block[], says: RegExp, more: Partial<HostileState> = {}): HostileState => ({
  name,
  forge: (snapshot) => snapshot.blocks(all),
  must: { refused: 'damaged', says },
  ...more,
});

/** One file in `r` that is other than it should be. */
const odd = (
  name: string,
  changes: Partial<Extract<Entry, { kind: 'file' }>>,
  says: RegExp,
  more: Partial<HostileState> = {},
): HostileState => blocks(name, [r, { path: ['r'], entries: [file('a', changes)] }], says, more);

const extent = (changes: Partial<Extent>): Extent[] => [{ ...goodExtent(), ...changes }];
const more = (name: string, extents: Extent[], goesOn = false): Entry => ({
  kind: 'more',
  name: Buffer.from(name),
  extents,
  goesOn,
});

/** A part that is any CBOR. */
const part = (name: string, value: unknown, says: RegExp): HostileState => ({
  name,
  forge: (snapshot) => snapshot.part(value instanceof Uint8Array ? value : encode(value), 0),
  must: { refused: 'damaged', says },
});

const NO_BLOCKS = { packs: [], userNames: new Map(), groupNames: new Map() };
const wholePart = (changes: Readonly<Record<number, unknown>>) =>
  new Map<number, unknown>(
    Object.entries({ 0: 1, 1: [], 2: new Map(), 3: new Map(), 4: [], ...changes }).map(([key, value]) => [
      Number(key),
      value,
    ]),
  );

export const STRUCTURE: readonly HostileState[] = [
  blocks(
    'a folder that nobody announced',
    [r, { path: ['r'] }, { path: ['r', 'x'], entries: [file('a')] }],
    NOT_ANNOUNCED,
  ),
  blocks('a folder before its parent', [{ path: ['r'] }, r], /does not begin with its top folder/),
  blocks(
    'a folder that is its own parent',
    [r, { path: ['r'], entries: [folder('r')] }, { path: ['r'], entries: [file('a')] }],
    /not in order|comes before its parent|is missing/,
  ),
  blocks(
    'a folder that is announced and never comes',
    [r, { path: ['r'], entries: [folder('a')] }],
    /a folder of the manifest is missing/,
  ),
  blocks(
    'folders whose parent is missing',
    [r, { path: ['r'], entries: [] }, { path: ['s', 'a'], entries: [file('a')] }],
    /is missing|comes before/,
  ),
  blocks(
    'a folder that comes twice',
    [r, { path: ['r'], entries: [folder('a')] }, { path: ['r', 'a'] }, { path: ['r'], entries: [file('b')] }],
    NOT_ANNOUNCED,
  ),
  blocks(
    'folders in another order than they were announced',
    [r, { path: ['r'], entries: [folder('a'), folder('b')] }, { path: ['r', 'b'] }, { path: ['r', 'a'] }],
    NOT_ANNOUNCED,
  ),
  blocks(
    'a folder that goes on after one of its subfolders',
    [r, { path: ['r'], entries: [folder('a')] }, { path: ['r', 'a'] }, { path: ['r'], entries: [file('z')] }],
    NOT_ANNOUNCED,
  ),
  blocks(
    'a folder that goes on with nothing',
    [r, { path: ['r'], entries: [file('a')] }, { path: ['r'] }],
    /goes on with nothing/,
  ),
  blocks(
    'entries beside the one root that shall be stripped',
    [{ path: [], entries: [file('a'), folder('r')] }, { path: ['r'] }],
    /items beside the one root/,
    { options: { strip: true } },
  ),
  blocks(
    'an ancestor that holds captured things beside the captured root, which shall be stripped',
    [
      { path: [], entries: [ancestor('r')] },
      { path: ['r'], entries: [folder('a'), folder('b')] },
      { path: ['r', 'a'] },
      { path: ['r', 'b'] },
    ],
    /items beside the one root/,
    {
      forge: (snapshot) => {
        snapshot.roots = [['r', 'a']];
        snapshot.blocks([
          { path: [], entries: [ancestor('r')] },
          { path: ['r'], entries: [folder('a'), folder('b')] },
          { path: ['r', 'a'] },
          { path: ['r', 'b'] },
        ]);
      },
      options: { strip: true },
    },
  ),
  odd('a file that is longer than its bytes', { sizeBytes: DATA.length + 1 }, /fewer bytes than its size/),
  odd('a file that is shorter than its bytes', { sizeBytes: 1 }, /more bytes than its size/),
  odd('a file that never ends', { goesOn: true, sizeBytes: 2 ** 40 }, /ends within a file/),
  odd(
    'a file that goes on with nothing for ever',
    { goesOn: true, sizeBytes: 2 ** 40, extents: [] },
    /goes on without an extent/,
  ),
  blocks(
    'more of a file that did not begin',
    [r, { path: ['r'], entries: [file('a'), more('a', [goodExtent()])] }],
    /goes on with a file that it did not begin/,
  ),
  blocks(
    'more of another file',
    [r, { path: ['r'], entries: [file('a', { goesOn: true, sizeBytes: 2 * DATA.length }), more('b', [goodExtent()])] }],
    /goes on with a file that it did not begin/,
  ),
  blocks(
    'a folder in the middle of a file',
    [r, { path: ['r'], entries: [file('a', { goesOn: true, sizeBytes: 2 * DATA.length }), folder('b')] }],
    /does not go on/,
  ),
  odd(
    'a hole that overlaps the bytes',
    { sizeBytes: DATA.length + 5, holes: [{ offset: 3, length: 5 }] },
    /a hole of a file lies within its bytes/,
  ),
  odd('a hole beyond the end', { holes: [{ offset: 2 ** 40, length: 5 }] }, /a hole of a file lies within its bytes/),
  odd(
    'holes that overlap each other',
    {
      sizeBytes: 100,
      extents: [],
      holes: [
        { offset: 0, length: 60 },
        { offset: 50, length: 50 },
      ],
    },
    /empty or out of order/,
  ),
  odd(
    'holes in the wrong order',
    {
      sizeBytes: 100,
      extents: [],
      holes: [
        { offset: 50, length: 50 },
        { offset: 0, length: 50 },
      ],
    },
    /empty or out of order/,
  ),
  odd('an empty hole', { holes: [{ offset: DATA.length, length: 0 }] }, /empty or out of order/),
  odd(
    'holes whose ends are beyond what a number holds',
    {
      sizeBytes: Number.MAX_SAFE_INTEGER,
      extents: [],
      holes: [{ offset: Number.MAX_SAFE_INTEGER - 1, length: Number.MAX_SAFE_INTEGER - 1 }],
    },
    /too long/,
    { cve: ['CVE-2026-43618'] },
  ),
  {
    name: 'files whose sizes add up to more than a number holds',
    cve: ['CVE-2026-43618'],
    forge: (snapshot) => {
      const endless = {
        sizeBytes: Number.MAX_SAFE_INTEGER,
        extents: [],
        holes: [{ offset: 0, length: Number.MAX_SAFE_INTEGER }],
      };
      snapshot.blocks([r, { path: ['r'], entries: [file('a', endless), file('b', endless)] }]);
      snapshot.totals = { ...snapshot.totals, bytes: 0 };
    },
    must: { refused: 'damaged', says: /too large/ },
  },
  odd(
    'an extent in a pack that the part does not list',
    { extents: extent({ pack: 5 }) },
    /an extent’s pack is not an integer from 0 to 0/,
    { cve: ['CVE-2026-43620'] },
  ),
  odd('an extent in a frame beyond all frames', { extents: extent({ segment: 5000 }) }, /an extent’s segment is not/, {
    cve: ['CVE-2026-43620'],
  }),
  odd(
    'an extent in a frame that the pack does not have',
    { extents: extent({ segment: 7 }) },
    /fewer frames than the manifest says/,
  ),
  odd('an extent in the padding of a pack', { extents: extent({ segment: 1 }) }, /fewer frames than the manifest says/),
  odd(
    'an extent beyond the end of its segment',
    { extents: extent({ offset: 1 }) },
    /another hash than the manifest says/,
    { cve: ['CVE-2024-12084'] },
  ),
  odd(
    'an extent that ends beyond all segments',
    { extents: extent({ offset: 1024 * 1024 }) },
    /an extent’s offset is not/,
    { cve: ['CVE-2024-12084'] },
  ),
  odd(
    'an extent of more than a segment',
    { sizeBytes: 2 ** 21, extents: extent({ length: 2 ** 21 }) },
    /an extent’s length is not/,
    { cve: ['CVE-2024-12084'] },
  ),
  odd('an extent of no bytes', { extents: [...extent({ length: 0 }), goodExtent()] }, /an extent is empty/),
  odd(
    'an extent with another hash',
    { extents: extent({ hash: digest(Buffer.of(1)) }) },
    /another hash than the manifest says/,
  ),
  odd(
    'an extent whose hash is shorter than a hash',
    { extents: extent({ hash: Buffer.alloc(8) }) },
    /an extent’s hash is not 32 bytes/,
    { cve: ['CVE-2024-12084', 'CVE-2024-12085'] },
  ),
  odd(
    'an extent whose hash is longer than a hash',
    { extents: extent({ hash: Buffer.alloc(64) }) },
    /an extent’s hash is not 32 bytes/,
    { cve: ['CVE-2024-12084'] },
  ),
  {
    name: 'extents in a pack that the descriptor does not name',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a')] }], { packs: [Buffer.alloc(32, 7)] }),
    must: { refused: 'damaged', says: /refers to a pack that the descriptor does not name/ },
  },
  {
    name: 'an extent that lies in the manifest itself',
    forge: (snapshot) => {
      const pack = snapshot.references.length - 1;
      snapshot.blocks([r]);
      snapshot.blocks([{ path: ['r'], entries: [file('a', { extents: extent({ pack: pack + 1 }) })] }]);
    },
    must: { refused: 'damaged', says: /a frame that holds no content/ },
  },
  ...(
    [
      ['files', { files: 2 }],
      ['folders', { folders: 0 }],
      ['links', { symlinks: 1 }],
      ['second names', { hardlinks: 1 }],
      ['devices', { specials: 1 }],
      ['bytes', { bytes: 1 }],
    ] as const
  ).map(
    ([what, totals]): HostileState => ({
      name: `totals that lie about ${what}`,
      forge: (snapshot) => {
        snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
        snapshot.totals = { ...snapshot.totals, ...totals };
      },
      must: { refused: 'damaged', says: /the manifest’s total of/ },
    }),
  ),
  {
    name: 'a part that has fewer entries than it says',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a')] }], { entries: 3 }),
    must: { refused: 'damaged', says: /another number of entries than said/ },
  },
  {
    name: 'a part that has more entries than it says',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file('a')] }], { entries: 1 }),
    must: { refused: 'damaged', says: /another number of entries than said/ },
  },
  {
    name: 'a manifest of no parts',
    forge: () => {},
    must: { refused: 'damaged', says: /the manifest is empty/ },
  },
  part('a part without folders', encodePart(NO_BLOCKS, { count: 0, cbor: new Uint8Array(0) }), /holds nothing/),
  part('a part of a version that is not known', wholePart({ 0: 2 }), /version that this program does not know/),
  part('a part with a key that is not known', wholePart({ 9: 1 }), /unknown key/),
  part('a part with a key twice', Buffer.from('a2000100010180', 'hex'), /not valid CBOR/),
  part('a part with bytes behind it', Buffer.concat([encode(wholePart({})), Buffer.of(0)]), /not valid CBOR/),
  part('a part that is cut short', Buffer.from(encode(wholePart({}))).subarray(0, 5), /not valid CBOR/),
  part('a part of no bytes', new Uint8Array(0), /not valid CBOR/),
  part('a part of a list without an end', Buffer.from('9f80ff', 'hex'), /not valid CBOR/),
  part(
    'a part of one list in another, 100,000 deep',
    Buffer.concat([Buffer.alloc(100_000, 0x81), Buffer.of(0)]),
    /not valid CBOR/,
  ),
  part(
    'a part of a byte string that is said to be longer than all memory',
    Buffer.from('5b7fffffffffffffff', 'hex'),
    /not valid CBOR/,
  ),
  part('a part of a list that is said to have 2^53 items', Buffer.from('9b001fffffffffffff', 'hex'), /not valid CBOR/),
  part('a part that is a tag', Buffer.from('c11a514b67b0', 'hex'), /not valid CBOR/),
  part('a part whose integers are longer than they need be', Buffer.from('a1180001', 'hex'), /not valid CBOR/),
  part('a part whose folders are a map', wholePart({ 4: new Map() }), /the folders of a part is not a list/),
  part('a part whose packs are no ids', wholePart({ 1: [Buffer.alloc(31)] }), /a pack id is not 32 bytes/),
  part('a part whose owners are a list', wholePart({ 2: [] }), /the names of owners are not a map/),
  {
    name: 'an entry that is a list',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [encode([1, 2])] }]),
    must: { refused: 'damaged', says: /an entry is not a map/ },
  },
  {
    name: 'an entry without a type that has an owner',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawEntry(fields('a', 0, { 1: undefined }))] }]),
    must: { refused: 'damaged', says: /the continuation of a file has an unknown key/ },
  },
  blocks(
    'the end of a link group before anything else',
    [r, { path: ['r'], entries: [special('a', 'fifo'), symlink('b', 'a'), hardlink('c', 2 ** 26 - 1)] }],
    /a hard link comes before its file/,
  ),
];
