import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../../src/state/format/entry.ts';
import { file, folder, hardlink, special, symlink } from '../../../state/support/forge.ts';
import { type Block, fields, rawEntry } from '../support/forging.ts';
import type { Scene } from '../support/guard.ts';
import type { HostileState, Must } from '../support/hostile-state.ts';

const r = { path: [], entries: [folder('r')] };
const NOT_ANNOUNCED = /comes before its parent, or twice/;
const OUT_OF_ORDER = /not in order, or one comes twice/;

/** What lies in `r`, and further folders. */
const inR = (
  name: string,
  entries: Entry[] | ((scene: Scene) => Entry[]),
  must: Must,
  more: Partial<HostileState> & { readonly blocks?: readonly Block[] } = {},
): HostileState => {
  const { blocks = [], ...rest } = more;
  return {
    name,
    forge: (snapshot, scene) =>
      snapshot.blocks([
        r,
        { path: ['r'], entries: typeof entries === 'function' ? entries(scene) : entries },
        ...blocks,
      ]),
    must,
    ...rest,
  };
};

const refused = (says: RegExp): Must => ({ refused: 'damaged', says });
/** The link is there as it was captured, and nobody went where it leads. */
const isLink = (name: string): Must => ({
  harmless: ({ target }) => assert.ok(lstatSync(join(target, 'r', name)).isSymbolicLink()),
});

export const LINKS: readonly HostileState[] = [
  inR(
    'a link out of the tree, and a file that goes through it',
    ({ outside }) => [symlink('a', join(outside, 'folder'))],
    refused(NOT_ANNOUNCED),
    {
      cve: ['CVE-2002-1216', 'CVE-2006-6097', 'CVE-2024-12087', 'CVE-2026-23745'],
      blocks: [{ path: ['r', 'a'], entries: [file('x')] }],
    },
  ),
  inR(
    'a link that climbs out of the tree, and a file that goes through it',
    [symlink('a', '../../outside/folder')],
    refused(NOT_ANNOUNCED),
    {
      cve: ['CVE-2025-45582', 'CVE-2026-31802'],
      blocks: [{ path: ['r', 'a'], entries: [file('x')] }],
    },
  ),
  inR(
    'a folder, and a link of the same name in its place',
    ({ outside }) => [folder('a'), symlink('a', outside)],
    refused(OUT_OF_ORDER),
    {
      cve: ['CVE-2021-32803'],
      blocks: [{ path: ['r', 'a'], entries: [file('evil')] }],
    },
  ),
  inR(
    'a link, and a folder of the same name in its place',
    ({ outside }) => [symlink('a', outside), folder('a')],
    refused(OUT_OF_ORDER),
    {
      cve: ['CVE-2021-32803'],
      blocks: [{ path: ['r', 'a'], entries: [file('evil')] }],
    },
  ),
  inR(
    'a link, and a file of the same name that would be written through it',
    ({ outside }) => [symlink('a', join(outside, 'secret')), file('a')],
    refused(OUT_OF_ORDER),
    {
      cve: ['CVE-2025-45582', 'CVE-2026-23745'],
    },
  ),
  inR('a folder that a later part of the manifest puts a link in place of', [folder('a')], refused(NOT_ANNOUNCED), {
    cve: ['CVE-2021-32803'],
    blocks: [
      { path: ['r', 'a'], entries: [file('x')] },
      { path: ['r'], entries: [symlink('b', '../outside')] },
    ],
  }),
  inR('a folder beneath a file', [file('a')], refused(NOT_ANNOUNCED), {
    blocks: [{ path: ['r', 'a'], entries: [file('x')] }],
  }),
  inR('a folder beneath a FIFO', [special('a', 'fifo')], refused(NOT_ANNOUNCED), {
    blocks: [{ path: ['r', 'a'], entries: [file('x')] }],
  }),
  inR(
    'a link beneath which a chain of links climbs out, and a file through all of it',
    [folder('a'), symlink('b', 'a/up/..')],
    refused(NOT_ANNOUNCED),
    {
      cve: ['CVE-2026-26960'],
      blocks: [
        { path: ['r', 'a'], entries: [symlink('up', '../..')] },
        { path: ['r', 'b'], entries: [file('x')] },
      ],
    },
  ),
  inR(
    'a hard link to a file that no file of the manifest is',
    [hardlink('a', 7)],
    refused(/a hard link comes before its file/),
    {
      cve: ['CVE-2018-20834', 'CVE-2026-23745', 'CVE-2026-24842', 'CVE-2026-29786'],
    },
  ),
  inR(
    'a hard link that comes before its file',
    [hardlink('a', 7), file('b', { group: 7 })],
    refused(/a hard link comes before its file/),
  ),
  inR('a hard link to itself', [hardlink('a', 1)], refused(/a hard link comes before its file/)),
  inR(
    'two hard links to each other',
    [hardlink('a', 1), hardlink('b', 2)],
    refused(/a hard link comes before its file/),
  ),
  inR(
    'a hard link to a symbolic link out of the tree',
    ({ outside }) => [symlink('a', join(outside, 'secret')), hardlink('b', 1)],
    refused(/a hard link comes before its file/),
    {
      cve: ['CVE-2026-26960', 'CVE-2026-24842'],
    },
  ),
  inR(
    'a hard link to a device',
    [special('a', 'character', { major: 1, minor: 5 }), hardlink('b', 1)],
    refused(/a hard link comes before its file/),
  ),
  inR(
    'two files of one link group',
    [file('a', { group: 3 }), file('b', { group: 3 })],
    refused(/two files have the same link group/),
  ),
  {
    name: 'a hard link whose target is a path',
    cve: ['CVE-2018-20834', 'CVE-2026-24842', 'CVE-2026-29786'],
    forge: (snapshot, { outside }) =>
      snapshot.blocks([r, { path: ['r'], raw: [rawLink(3, { 8: Buffer.from(join(outside, 'secret')) })] }]),
    must: refused(/a hard link has an unknown key/),
  },
  {
    name: 'a link group of the number 0',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawLink(3, { 9: 0 })] }]),
    must: refused(/a link group has the number 0/),
  },
  {
    name: 'a link group beyond all that are counted',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawLink(3, { 9: 2 ** 26 })] }]),
    must: refused(/a link group is not an integer/),
  },
  {
    name: 'a symbolic link to nothing',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawLink(2, { 8: Buffer.alloc(0) })] }]),
    must: refused(/the target of a link is not 1 to 4096 bytes/),
  },
  {
    name: 'a symbolic link whose target is longer than any path',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawLink(2, { 8: Buffer.alloc(4097, 'x') })] }]),
    must: refused(/the target of a link is not 1 to 4096 bytes/),
  },
  {
    name: 'a symbolic link whose target has a NUL in it',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], raw: [rawLink(2, { 8: Buffer.from('a\0b') })] }]),
    must: refused(/holds a NUL/),
  },
  {
    name: 'a symbolic link of exactly 4096 bytes, which the kernel does not take',
    forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [symlink('a', 'x'.repeat(4096))] }]),
    must: { listed: { 'r/a': /not restored, a symbolic link: / } },
  },
  inR('links in a circle', [symlink('a', 'b'), symlink('b', 'a'), symlink('c', 'c')], {
    harmless: ({ target }) => assert.deepEqual(readdirSync(join(target, 'r')), ['a', 'b', 'c']),
  }),
  inR('a link to the root of the machine', [symlink('a', '/')], isLink('a'), { cve: ['CVE-2025-45582'] }),
  inR(
    'a link to a file outside with other owners, modes and times than that file',
    ({ outside }) => [
      { ...symlink('a', join(outside, 'secret')), mode: 0o777, uid: 1234, gid: 1234, mtimeNs: 5n } as Entry,
    ],
    isLink('a'),
  ),
  inR(
    'a link to a folder outside, with attributes that would be set on that folder',
    ({ outside }) => [
      {
        ...symlink('a', outside),
        extras: {
          xattrs: [{ name: Buffer.from('user.evil'), value: Buffer.from('1') }],
          accessAcl: [],
          defaultAcl: [],
          flags: 0,
        },
      } as Entry,
    ],
    {
      listed: { 'r/a': /restored without an attribute user/ },
    },
  ),
  inR(
    'a file with a second name, and that name with another owner and mode',
    [file('a', { group: 1 }), { ...hardlink('b', 1), mode: 0o4777, uid: 0 } as Entry],
    {
      harmless: ({ target }) => assert.equal(lstatSync(join(target, 'r', 'b')).mode & 0o7777, 0o644),
    },
  ),
  inR('a link into the journal of the restore itself', [symlink('a', '../.resettle-restore-0/tmp/1')], {
    harmless: ({ target }) => assert.equal(readlinkSync(join(target, 'r', 'a')), '../.resettle-restore-0/tmp/1'),
  }),
  {
    name: 'the captured root itself a link out of the tree, whose contents shall be stripped',
    forge: (snapshot, { outside }) => snapshot.blocks([{ path: [], entries: [symlink('r', outside)] }]),
    options: { strip: true },
    must: { harmless: ({ target }) => assert.ok(lstatSync(join(target, 'r')).isSymbolicLink()) },
  },
  {
    name: 'the captured root itself a link out of the tree, and files in it, which shall be stripped',
    cve: ['CVE-2024-12087'],
    forge: (snapshot, { outside }) =>
      snapshot.blocks([
        { path: [], entries: [symlink('r', outside)] },
        { path: ['r'], entries: [file('evil')] },
      ]),
    options: { strip: true },
    must: refused(NOT_ANNOUNCED),
  },
  {
    name: 'a folder above the captured one that is a link out of the tree, which shall be stripped',
    forge: (snapshot, { outside }) => {
      snapshot.roots = [['s', 'r']];
      snapshot.blocks([{ path: [], entries: [symlink('s', outside)] }]);
    },
    options: { strip: true },
    must: refused(/items beside the one root/),
  },
  {
    name: 'a link out of the tree, asked for by a path that goes through it',
    cve: ['CVE-2024-12086'],
    forge: (snapshot, { outside }) => snapshot.blocks([r, { path: ['r'], entries: [symlink('a', outside)] }]),
    options: { only: [['r', 'a', 'secret'].map((name) => Buffer.from(name))] },
    must: { refused: 'not-found', says: /.*/ },
  },
];

function rawLink(type: number, changes: Record<number, unknown>): Uint8Array {
  return rawEntry(fields('a', type, changes));
}
