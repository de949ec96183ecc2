import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { file, folder } from '../../../state/support/forge.ts';
import type { HostileState } from '../support/hostile-state.ts';

const r = { path: [], entries: [folder('r')] };
const LEADS_OUT = /would lead out of its folder/;
const NO_NAME = /a name is not 1 to 255 bytes/;

/** One file of that name in `r`. */
const named = (what: string, name: string, says: RegExp, more: Partial<HostileState> = {}): HostileState => ({
  name: what,
  forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [file(name)] }]),
  must: { refused: 'damaged', says },
  ...more,
});

/** A folder whose block names a path. */
const through = (what: string, path: string[], says: RegExp, more: Partial<HostileState> = {}): HostileState => ({
  name: what,
  forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries: [] }, { path, entries: [file('evil')] }]),
  must: { refused: 'damaged', says },
  ...more,
});

const inR = (what: string, entries: ReturnType<typeof file>[], must: HostileState['must']): HostileState => ({
  name: what,
  forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries }]),
  must,
});

const OUT_OF_ORDER = /not in order, or one comes twice/;

export const NAMES: readonly HostileState[] = [
  named('a file called ".."', '..', LEADS_OUT, { cve: ['CVE-2001-1267', 'CVE-2016-6321'] }),
  named('a file called "."', '.', LEADS_OUT),
  named('a file without a name', '', NO_NAME),
  named('a file whose name climbs with "../"', '../evil', LEADS_OUT, {
    cve: ['CVE-2001-1267', 'CVE-2023-43616', 'CVE-2026-32116', 'CVE-2026-42448'],
  }),
  named('a file whose name climbs in the middle of it', 'a/../../evil', LEADS_OUT, { cve: ['CVE-2007-4131'] }),
  named('a file whose name ends in "/.."', 'a/..', LEADS_OUT, { cve: ['CVE-2007-4131'] }),
  named('a file whose name is "../" followed by an absolute path', '..//etc/resettle-hostile', LEADS_OUT, {
    cve: ['CVE-2021-32804'],
  }),
  named('a file whose name is an absolute path', '/etc/resettle-hostile', LEADS_OUT, { cve: ['CVE-2021-32804'] }),
  named('a file whose name begins with several slashes', '////etc/resettle-hostile', LEADS_OUT, {
    cve: ['CVE-2021-32804'],
  }),
  named('a file whose name ends in a slash', 'a/', LEADS_OUT),
  named('a file whose name has a NUL in it', 'a\0b', LEADS_OUT),
  named('a file whose name is "..", a NUL, and more', '..\0x', LEADS_OUT),
  named('a file with a name of 256 bytes', 'x'.repeat(256), NO_NAME),
  named('a file with a name of 70,000 bytes', 'x'.repeat(70_000), NO_NAME),
  through('a folder whose path goes through ".."', ['r', '..'], LEADS_OUT, { cve: ['CVE-2002-0399'] }),
  through('a folder whose path begins with ".."', ['..', 'outside'], LEADS_OUT),
  through('a folder whose path begins with an absolute one', ['/etc'], LEADS_OUT),
  through('a folder whose path has an empty name in it', ['r', '', 'a'], NO_NAME),
  {
    name: 'a captured root called ".."',
    forge: (snapshot) => {
      snapshot.roots = [['..', 'outside']];
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
    },
    must: { refused: 'damaged', says: LEADS_OUT },
  },
  {
    name: 'folders 1,025 deep',
    forge: (snapshot) => {
      for (let from = 0; from < 1025; from += 100) snapshot.blocks(deep(1025, 'x').slice(from, from + 100));
      snapshot.blocks([{ path: Array(1025).fill('x'), entries: [file('x')] }]);
    },
    must: { refused: 'damaged', says: /a path is not a list of at most 1024/ },
  },
  {
    name: 'folders 1,000 deep, a path longer than any system call takes, with a name that climbs at the end',
    forge: (snapshot) => {
      const name = 'x'.repeat(40);
      for (let from = 0; from < 1000; from += 50) snapshot.blocks(deep(1000, name).slice(from, from + 50));
      snapshot.blocks([{ path: Array(1000).fill(name), entries: [file('..')] }]);
    },
    must: { refused: 'damaged', says: LEADS_OUT },
  },
  {
    name: 'folders 200 deep with a file at the end, a path that no system call takes in one piece',
    forge: (snapshot) => {
      const name = 'x'.repeat(100);
      snapshot.blocks(deep(200, name));
      snapshot.blocks([{ path: Array(200).fill(name), entries: [file('end', { mode: 0o4755 })] }]);
    },
    must: { listed: { [`${`${'x'.repeat(100)}/`.repeat(200)}end`]: /restored without setuid/ } },
  },
  inR('a name twice in a folder', [file('a'), file('a')], { refused: 'damaged', says: OUT_OF_ORDER }),
  inR('a file and a folder of one name', [file('a'), folder('a')], { refused: 'damaged', says: OUT_OF_ORDER }),
  inR('names in no order', [file('b'), file('a')], { refused: 'damaged', says: OUT_OF_ORDER }),
  {
    name: 'two parts of the manifest that give one folder the same name',
    forge: (snapshot) =>
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]).blocks([{ path: ['r'], entries: [file('a')] }]),
    must: { refused: 'damaged', says: OUT_OF_ORDER },
  },
  {
    // On a file system that tells letters by case they are two; where it does not, the second gets another name.
    name: 'names that differ by the case of their letters alone, one a folder and one a link out of the tree',
    cve: ['CVE-2021-37701', 'CVE-2021-37712'],
    forge: (snapshot, { outside }) =>
      snapshot.blocks([
        r,
        { path: ['r'], entries: [folder('FOO'), { ...link('foo', outside) }] },
        { path: ['r', 'FOO'], entries: [file('x')] },
      ]),
    must: {
      harmless: ({ target }) => assert.deepEqual(readdirSync(join(target, 'r', 'FOO')), ['x']),
    },
  },
  {
    name: 'names that are the same letters in two forms of Unicode, and one that is ss for ß, beside links out of the tree',
    cve: ['CVE-2021-37712', 'CVE-2026-23950'],
    forge: (snapshot, { outside }) =>
      snapshot.blocks([
        r,
        {
          path: ['r'],
          entries: [
            folder(bytes('cafe\u0301')),
            link(bytes('caf\u00e9'), outside),
            link(bytes('collision_ss'), outside),
            file(bytes('collision_\u00df')),
          ],
        },
        { path: ['r', bytes('cafe\u0301')], entries: [file('x')] },
      ]),
    must: { harmless: ({ target }) => assert.equal(readdirSync(join(target, 'r')).length, 4) },
  },
  {
    name: 'names that are no text, with backslashes, line ends and escape sequences in them',
    cve: ['CVE-2021-37701', 'CVE-2021-37713', 'CVE-2023-43620'],
    forge: (snapshot) =>
      snapshot.blocks([
        r,
        {
          path: ['r'],
          entries: [
            file('\u001b]0;owned\u0007'),
            file('..\\..\\evil'),
            file('C:\\..\\evil'),
            file('C:evil'),
            file('a\nb'),
            file('\u00ff\u00fe'),
          ].sort(byName),
        },
      ]),
    must: { harmless: ({ target }) => assert.equal(readdirSync(join(target, 'r'), { encoding: 'latin1' }).length, 6) },
  },
  {
    name: 'items called as the folders that a restore itself makes',
    forge: (snapshot) =>
      snapshot.blocks([
        {
          path: [],
          entries: [
            folder(`.resettle-restore-${'0'.repeat(32)}`),
            folder('.resettle-undo-1'),
            folder('.resettle-undo-test-1'),
            folder('r'),
          ],
        },
        { path: [`.resettle-restore-${'0'.repeat(32)}`], entries: [file('journal.json'), folder('tmp')] },
        { path: [`.resettle-restore-${'0'.repeat(32)}`, 'tmp'], entries: [file('1')] },
        { path: ['.resettle-undo-1'] },
        { path: ['.resettle-undo-test-1'] },
        { path: ['r'] },
      ]),
    must: { harmless: ({ target }) => assert.equal(readdirSync(target).length, 4) },
  },
  {
    name: 'an item called as the pre-images of this very restore',
    ofTest: true,
    forge: (snapshot) =>
      snapshot.blocks([
        { path: [], entries: [folder('.resettle-undo-test'), folder('r')] },
        { path: ['.resettle-undo-test'], entries: [file('0')] },
        { path: ['r'] },
      ]),
    must: { refused: 'damaged', says: /the name of our own journal/ },
  },
];

/** Folders of one name, one in the other. */
function deep(depth: number, name: string) {
  return Array.from({ length: depth }, (_, above) => ({
    path: Array<string>(above).fill(name),
    entries: [folder(name)],
  }));
}

/** UTF-8 as the one byte a letter that the helpers take. */
function bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function byName(a: { name: Uint8Array }, b: { name: Uint8Array }): number {
  return Buffer.compare(a.name, b.name);
}

function link(name: string, target: string) {
  return {
    kind: 'symlink' as const,
    name: Buffer.from(name, 'latin1'),
    mode: 0o777,
    uid: 0,
    gid: 0,
    mtimeNs: 1n,
    target: Buffer.from(target),
  };
}
