import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { decodeAcl, encodeAcl } from '../../../../src/state/fs/acl.ts';
import {
  close,
  createFile,
  makeFolder,
  makeSymlink,
  openFolder,
  removeXattr,
  setOwner,
  setXattr,
  setXattrOfItem,
  xattrsOf,
  xattrsOfItem,
} from '../../../../src/state/fs/calls.ts';
import { codeOf } from '../../../../src/state/fs/errno.ts';
import { hasProgram } from '../support/places.ts';
import { asRoot, b, refused, type Suite, shown, using } from '../support/suite.ts';

/** Extended attributes and what lives in them. */
export function testAttributes({ isLinux, inEachPlace }: Suite): void {
  inEachPlace('extended attributes are kept, ascending by name', (folder, _path, t) => {
    const file = createFile(folder, b('file'));
    makeFolder(folder, b('sub'));
    makeSymlink(b('file'), folder, b('link'));
    assert.deepEqual(xattrsOf(file), []);
    assert.deepEqual(xattrsOfItem(folder, b('sub')), []);
    if (!isLinux) {
      refused(() => setXattr(file, b('user.a'), b('1')), 'ENOTSUP');
      refused(() => setXattrOfItem(folder, b('sub'), b('user.a'), b('1')), 'ENOTSUP');
      refused(() => removeXattr(file, b('user.a')), 'ENOTSUP');
      close(file);
      return;
    }
    const all = [
      ['user.\xff\x80', 'byte name'],
      ['user.b', ''],
      ['user.a', '\0\xff binary'],
      ['user.long', 'x'.repeat(3000)],
    ] as const;
    for (const [name, value] of all) setXattr(file, Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
    const sorted = all.toSorted(([one], [other]) => (one < other ? -1 : 1)).map((pair) => [...pair]);
    assert.deepEqual(shown(xattrsOf(file)), sorted);
    assert.deepEqual(shown(xattrsOfItem(folder, b('file'))), sorted);
    setXattr(file, b('user.a'), b('new'));
    removeXattr(file, b('user.long'));
    refused(() => removeXattr(file, b('user.long')), 'ENODATA');
    refused(() => setXattr(file, b('user.x\0y'), b('1')), 'EINVAL');
    refused(() => setXattr(file, b('nonsense'), b('1')), 'ENOTSUP');
    assert.deepEqual(shown(xattrsOf(file)).slice(0, 2), [
      ['user.a', 'new'],
      ['user.b', ''],
    ]);
    setXattrOfItem(folder, b('sub'), b('user.folder'), b('yes'));
    using(openFolder(folder, b('sub')), (sub) => assert.deepEqual(shown(xattrsOf(sub)), [['user.folder', 'yes']]));
    close(file);

    // On the link itself, not on the file that it leads to.
    refused(() => setXattrOfItem(folder, b('link'), b('user.a'), b('1')), 'EPERM');
    assert.deepEqual(xattrsOfItem(folder, b('link')), []);
    if (!asRoot) {
      t.diagnostic('attributes of links and capabilities are set by root only');
      return;
    }
    setXattrOfItem(folder, b('link'), b('trusted.mark'), b('on the link'));
    assert.deepEqual(shown(xattrsOfItem(folder, b('link'))), [['trusted.mark', 'on the link']]);
    assert.ok(!shown(xattrsOfItem(folder, b('file'))).some(([name]) => name === 'trusted.mark'));
  });

  inEachPlace('a value may be as long as Linux lets it be', (folder, _path, t) => {
    if (!isLinux) return;
    const value = Buffer.alloc(65_536, 'v');
    using(createFile(folder, b('file')), (fd) => {
      try {
        setXattr(fd, b('user.long'), value);
      } catch (error) {
        if (codeOf(error) !== 'ENOSPC') throw error;
        t.skip('this file system has no room for such long attributes');
        return;
      }
      assert.deepEqual(xattrsOf(fd), [{ name: b('user.long'), value }]);
      refused(() => setXattr(fd, b('user.longer'), Buffer.alloc(65_537)), 'E2BIG');
    });
  });

  inEachPlace('file capabilities are kept as they are', (folder, _path, t) => {
    if (!isLinux) return;
    if (!asRoot) {
      t.skip('capabilities are set by root only');
      return;
    }
    // Revision 2, effective: cap_net_raw permitted.
    const capability = Buffer.alloc(20);
    capability.writeUInt32LE(0x0200_0001);
    capability.writeUInt32LE(1 << 13, 4);
    using(createFile(folder, b('ping')), (fd) => {
      setXattr(fd, b('security.capability'), capability);
      assert.deepEqual(xattrsOf(fd), [{ name: b('security.capability'), value: capability }]);
      setOwner(fd, 1, 1);
      assert.deepEqual(xattrsOf(fd), [], 'a change of owner drops them: they are set after it');
    });
  });

  inEachPlace('ACLs are read and written as the kernel has them', (folder, path, t) => {
    if (!isLinux) return;
    if (!hasProgram('setfacl')) {
      t.skip('setfacl is missing (package acl)');
      return;
    }
    const acls = (name: string) => Object.fromEntries(xattrsOfItem(folder, b(name)).map((x) => [`${x.name}`, x.value]));
    const tell = (name: string) =>
      execFileSync('getfacl', ['-nc', '--absolute-names', join(path, name)], { encoding: 'latin1' });
    makeFolder(folder, b('one'));
    makeFolder(folder, b('other'));
    const spec = 'u:5:rw,u:1234567:r,g:77:rwx,d:u:9:x,d:g:3:r';
    execFileSync('setfacl', ['-nm', `${spec},m::rwx,d:m::rx`, join(path, 'one')]);
    const found = acls('one');
    assert.deepEqual(decodeAcl(found['system.posix_acl_access']!), [
      { tag: 1, permissions: 7, id: undefined },
      { tag: 2, permissions: 6, id: 5 },
      { tag: 2, permissions: 4, id: 1_234_567 },
      { tag: 4, permissions: 0, id: undefined },
      { tag: 8, permissions: 7, id: 77 },
      { tag: 16, permissions: 7, id: undefined },
      { tag: 32, permissions: 0, id: undefined },
    ]);
    using(openFolder(folder, b('other')), (fd) => {
      for (const acl of ['system.posix_acl_access', 'system.posix_acl_default']) {
        setXattr(fd, b(acl), encodeAcl(decodeAcl(found[acl]!)!.toReversed()));
      }
    });
    assert.deepEqual(acls('other'), found);
    assert.equal(tell('other'), tell('one'));
    assert.match(tell('other'), /^user:1234567:r--\t?/m);
    assert.match(tell('other'), /^default:group:3:r--\t?/m);
  });
}
