import assert from 'node:assert/strict';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../../src/state/format/entry.ts';
import { linuxCalls } from '../../../../src/state/fs/linux.ts';
import { DATA, extras, file, folder, special, symlink } from '../../../state/support/forge.ts';
import { fields, rawEntry } from '../support/forging.ts';
import type { HostileState, Must } from '../support/hostile-state.ts';

const r = { path: [], entries: [folder('r')] };
const FILE = { 6: 0, 7: [] };

const inR = (name: string, entries: Entry[], must: Must, more: Partial<HostileState> = {}): HostileState => ({
  name,
  forge: (snapshot) => snapshot.blocks([r, { path: ['r'], entries }]),
  must,
  ...more,
});

/** A file with other keys and values than any writer writes. */
const raw = (name: string, changes: Readonly<Record<number, unknown>>, says: RegExp, type = 0): HostileState => ({
  name,
  forge: (snapshot) =>
    snapshot.blocks([
      r,
      { path: ['r'], raw: [rawEntry(fields('a', type, type === 0 ? { ...FILE, ...changes } : changes))] },
    ]),
  must: { refused: 'damaged', says },
});

const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;
const namesOf = (path: string): string[] => {
  const fd = linuxCalls.openFolderAt(Buffer.from(join(path, '..')));
  try {
    return linuxCalls.xattrsOfItem(fd, Buffer.from('a')).map(({ name }) => Buffer.from(name).toString());
  } finally {
    linuxCalls.close(fd);
  }
};

/** VFS capability revision 2: everything, effective. */
const CAPABILITIES = Buffer.from('0100000200f0ffff00000000ffff000000000000', 'hex').toString('latin1');
const withheldXattr = (what: string, attribute: string, says: RegExp, value = 'x'): HostileState =>
  inR(
    `a file with ${what}`,
    [
      file('a', {
        extras: extras({ xattrs: [{ name: Buffer.from(attribute), value: Buffer.from(value, 'latin1') }] }),
      }),
    ],
    {
      listed: { 'r/a': says },
      and: ({ target }) => assert.ok(!namesOf(join(target, 'r', 'a')).includes(attribute), 'it has no such attribute'),
    },
  );

export const METADATA: readonly HostileState[] = [
  inR('a program of root that is setuid', [file('a', { mode: 0o4755 })], {
    listed: { 'r/a': /restored without setuid/ },
    and: ({ target }) => assert.equal(modeOf(join(target, 'r', 'a')), 0o755),
  }),
  inR('a program that is setgid', [file('a', { mode: 0o2755 })], {
    listed: { 'r/a': /restored without setgid/ },
    and: ({ target }) => assert.equal(modeOf(join(target, 'r', 'a')), 0o755),
  }),
  inR('a program of root that is setuid, setgid and sticky, under two names', [file('a', { mode: 0o7777, group: 1 })], {
    listed: { 'r/a': /setuid and setgid/ },
    and: ({ target }) => assert.equal(modeOf(join(target, 'r', 'a')) & 0o6000, 0),
  }),
  withheldXattr(
    'capabilities that make it as good as root',
    'security.capability',
    /security\.capability/,
    CAPABILITIES,
  ),
  withheldXattr('a label of SELinux', 'security.selinux', /security\.selinux/, 'system_u:object_r:shadow_t:s0\0'),
  withheldXattr('a signature for IMA', 'security.ima', /security\.ima/),
  withheldXattr('an attribute of trusted.*', 'trusted.overlay.redirect', /trusted\.\*/, '/etc'),
  withheldXattr('an ACL as an attribute of system.*', 'system.posix_acl_access', /system\.\*/, '\x02\0\0\0'),
  withheldXattr('an attribute of a namespace that no system has', 'evil.thing', /of an unknown kind/),
  withheldXattr('an attribute without a namespace', 'x', /of an unknown kind/),
  inR('a file that is immutable', [file('a', { extras: extras({ flags: 0x10 }) })], {
    listed: { 'r/a': /immutable or append-only/ },
  }),
  inR('a file that can only be appended to', [file('a', { extras: extras({ flags: 0x20 }) })], {
    listed: { 'r/a': /immutable or append-only/ },
  }),
  inR(
    'a folder that is immutable, with a file in it',
    [folder('a', { extras: extras({ flags: 0x30 }) }), file('b')].slice(0, 1),
    {
      listed: { 'r/a': /immutable or append-only/ },
    },
    {
      forge: (snapshot) =>
        snapshot.blocks([
          r,
          { path: ['r'], entries: [folder('a', { extras: extras({ flags: 0x30 }) })] },
          { path: ['r', 'a'], entries: [file('b')] },
        ]),
    },
  ),
  inR(
    'inode flags that are no flags of ours, all of them at once',
    [file('a', { extras: extras({ flags: 0xffff_ffff }) })],
    {
      listed: { 'r/a': /immutable or append-only/ },
    },
  ),
  inR('a device that is the memory of the machine', [special('a', 'character', { major: 1, minor: 1, mode: 0o666 })], {
    listed: { 'r/a': /devices are not restored unless allowed/ },
    and: ({ target }) => assert.equal(lstatSync(join(target, 'r', 'a'), { throwIfNoEntry: false }), undefined),
  }),
  inR('a device that is the first disk', [special('a', 'block', { major: 8, minor: 0, mode: 0o666 })], {
    listed: { 'r/a': /devices are not restored unless allowed/ },
  }),
  inR(
    'a device of numbers that are none, allowed by root',
    [special('a', 'block', { major: 0xffff_ffff, minor: 0xffff_ffff })],
    {
      listed: { 'r/a': /not restored/ },
    },
    { options: { allowPrivileged: true }, as: 'root' },
  ),
  inR('a FIFO that waits for ever', [special('a', 'fifo', { mode: 0o666 })], {
    harmless: ({ target }) => assert.ok(lstatSync(join(target, 'r', 'a')).isFIFO()),
  }),
  raw('a socket', {}, /a type is not an integer from 0 to 6/, 7),
  raw('an item of an unknown type', {}, /a type is not an integer from 0 to 6/, 255),
  raw('an item of a negative type', {}, /a type is not an integer/, -1),
  inR(
    'a file of a user whose number is the largest there is',
    [file('a', { uid: 0xffff_fffe, gid: 0xffff_fffe })],
    {
      harmless: ({ target }) => assert.equal(lstatSync(join(target, 'r', 'a')).uid, 0xffff_fffe),
    },
    { as: 'root' },
  ),
  inR(
    'files of root, restored by somebody else',
    [file('a', { uid: 0, gid: 0, mode: 0o600 })],
    {
      listed: { 'owner 0:0': /belong.* to you instead/ },
    },
    { as: 'user' },
  ),
  raw('an owner that means "leave it" to chown', { 3: 0xffff_ffff }, /an owner is not an integer/),
  raw('an owner beyond 32 bits', { 3: 2 ** 32 }, /an owner is not an integer/),
  raw('a negative owner', { 3: -1 }, /an owner is not an integer/),
  raw('a negative group', { 4: -2 }, /a group is not an integer/),
  raw('an owner that is a text', { 3: 'root' }, /an owner is not an integer/),
  raw('a mode with the bits of a type', { 2: 0o104755 }, /a mode is not an integer/),
  raw('a negative mode', { 2: -1 }, /a mode is not an integer/),
  raw('a mode that is a fraction', { 2: 0.5 }, /a mode is not an integer/),
  raw('a time that is no number', { 5: Number.NaN }, /not valid CBOR/),
  raw('a time that is endless', { 5: Number.POSITIVE_INFINITY }, /not valid CBOR/),
  raw('a time that is a text of blanks', { 5: '           ' }, /a time is not a 64-bit integer/),
  raw('a time beyond 64 bits', { 5: 2n ** 63n }, /a time is not a 64-bit integer/),
  raw('a time before all of 64 bits', { 5: -(2n ** 63n) - 1n }, /a time is not a 64-bit integer|not valid CBOR/),
  inR(
    'times at both ends of 64 bits',
    [file('a', { mtimeNs: -(2n ** 63n) }), file('b', { mtimeNs: 2n ** 63n - 1n })],
    {
      harmless: ({ target }) => assert.deepEqual(readFileSync(join(target, 'r', 'a')), DATA),
      // What a file system keeps of such a time is another one, so that an undo takes the file for changed.
    },
    { undo: false },
  ),
  raw('a size that is negative', { 6: -1 }, /a size is not an integer/),
  raw('a size beyond what a number holds', { 6: 2n ** 63n }, /a size is not an integer/),
  raw('a file without a size', { 6: undefined }, /a size is not an integer/),
  raw('a file without a mode', { 2: undefined }, /a mode is not an integer/),
  raw('an entry of which the name is not there', { 0: undefined }, /a name is not/),
  raw('a name that is a text', { 0: '..' }, /a name is not/),
  raw('a key that nobody knows', { 99: 1 }, /a file has an unknown key/),
  raw('a device that is a file', { 12: [8, 0] }, /a file has an unknown key/),
  raw('a symbolic link with content', { 7: [], 8: Buffer.from('x') }, /a symbolic link has an unknown key/, 2),
  raw('a folder that is an ancestor and has an owner', { 15: 1 }, /an ancestor has an unknown key/, 1),
  raw(
    'attributes that are not in order',
    {
      10: [
        [Buffer.from('user.b'), Buffer.of(1)],
        [Buffer.from('user.a'), Buffer.of(1)],
      ],
    },
    /not in order/,
  ),
  raw(
    'an attribute twice',
    {
      10: [
        [Buffer.from('user.a'), Buffer.of(1)],
        [Buffer.from('user.a'), Buffer.of(2)],
      ],
    },
    /not in order/,
  ),
  raw('an attribute whose name has a NUL in it', { 10: [[Buffer.from('user.a\0'), Buffer.of(1)]] }, /holds a NUL/),
  raw(
    'an attribute with a name of 256 bytes',
    { 10: [[Buffer.from(`user.${'x'.repeat(251)}`), Buffer.of(1)]] },
    /the name of an attribute is not/,
  ),
  raw(
    'an attribute of 65,537 bytes',
    { 10: [[Buffer.from('user.a'), Buffer.alloc(65_537)]] },
    /the value of an attribute is not/,
  ),
  raw('an ACL with a tag that nobody knows', { 11: [[[3, 7]], []] }, /a line of an ACL is none/),
  raw('an ACL for the user that means "leave it"', { 11: [[[2, 7, 0xffff_ffff]], []] }, /the owner in an ACL is not/),
  raw(
    'an ACL with permissions beyond reading, writing and executing',
    { 11: [[[1, 0o777]], []] },
    /the permissions of an ACL/,
  ),
  raw('an ACL for a named user without the user', { 11: [[[2, 7]], []] }, /a line of an ACL is none/),
  inR(
    'ACLs that no kernel takes',
    [
      file('a', {
        extras: extras({
          accessAcl: [
            { tag: 16, permissions: 7, id: undefined },
            { tag: 16, permissions: 7, id: undefined },
          ],
        }),
      }),
    ],
    {
      listed: { 'r/a': /restored without its ACL/ },
    },
  ),
  inR(
    'a symbolic link with an ACL',
    [
      {
        ...symlink('a', '/etc/shadow'),
        extras: extras({
          accessAcl: [
            { tag: 1, permissions: 7, id: undefined },
            { tag: 4, permissions: 7, id: undefined },
            { tag: 32, permissions: 7, id: undefined },
          ],
        }),
      } as Entry,
    ],
    {
      listed: { 'r/a': /restored without its ACL/ },
    },
  ),
  {
    name: 'an owner whose name is that of root',
    forge: (snapshot) => {
      snapshot.users = { 1234: 'root' };
      snapshot.groups = { 1234: 'root' };
      snapshot.blocks([r, { path: ['r'], entries: [file('a', { uid: 1234, gid: 1234, mode: 0o4755 })] }]);
    },
    must: {
      listed: { 'r/a': /restored without setuid/ },
      and: ({ target }) => assert.notEqual(lstatSync(join(target, 'r', 'a')).uid, 0),
    },
    as: 'root',
  },
  {
    name: 'an owner whose name is 256 bytes long',
    forge: (snapshot) => {
      snapshot.users = { 1: 'x'.repeat(256) };
      snapshot.blocks([r, { path: ['r'], entries: [file('a')] }]);
    },
    must: { refused: 'damaged', says: /an owner’s name is not/ },
  },
];
