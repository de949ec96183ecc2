import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseGroup, parsePasswd, parseRanges, parseShadow } from '../../../src/state/areas/accounts/account-lines.ts';
import { isAccountName } from '../../../src/state/areas/accounts/account-name.ts';
import {
  type AccountFiles,
  addLine,
  addMember,
  setShadow,
  shadowFields,
} from '../../../src/state/areas/accounts/edit-files.ts';
import { privilegeOf } from '../../../src/state/areas/accounts/group-privileges.ts';
import { passwordKind } from '../../../src/state/areas/accounts/password-kinds.ts';

const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,10}$/u);
const field = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/[:\n\r\0]/u.test(text));
const id = fc.integer({ min: 0, max: 0xffff_fffe });
const days = fc.option(fc.integer({ min: -1, max: 100_000 }), { nil: undefined });
/** Anything that somebody may have in a file, a character a byte. */
const bytes = fc
  .array(fc.stringMatching(/^[ -~\u0080-\u00ff]{0,30}$/u).filter((line) => !/^[+-]/u.test(line)))
  .map((lines) => lines.map((line) => `${line}\n`).join(''));

test('a line that is written is read as it was, whatever stands before it', () => {
  fc.assert(
    fc.property(bytes, name, id, id, field, field, field, (before, user, uid, gid, gecos, home, shell) => {
      const { '/etc/passwd': after = '' } = addLine({ '/etc/passwd': before }, '/etc/passwd', [
        user,
        'x',
        uid,
        gid,
        gecos,
        home,
        shell,
      ]);
      assert.ok(after.startsWith(before));
      const { entries } = parsePasswd(after);
      if (!parsePasswd(before).entries.some((entry) => entry.name === user)) {
        assert.deepEqual(entries.at(-1), { name: user, uid, gid, gecos, home, shell });
      }
    }),
  );
});

test('a line of shadow that is written is read as it was, and another password leaves all other lines', () => {
  fc.assert(
    fc.property(
      bytes,
      name,
      days,
      days,
      days,
      days,
      days,
      days,
      (before, user, last_change, min, max, warning, inactive, expire) => {
        fc.pre(!before.includes(`${user}:`));
        const shadow = { password: '$6$a$b', last_change, min, max, warning, inactive, expire };
        const files = addLine({ '/etc/shadow': before }, '/etc/shadow', [...shadowFields(user, shadow), '']);
        assert.deepEqual(parseShadow(files['/etc/shadow'] ?? '').entries.at(-1), { name: user, ...shadow });
        const other = { ...shadow, password: '$y$c' };
        const edited = setShadow(files, user, other)['/etc/shadow'] ?? '';
        assert.ok(edited.startsWith(before));
        assert.deepEqual(parseShadow(edited).entries.at(-1), { name: user, ...other });
      },
    ),
  );
});

test('a member more leaves every other byte as it was', () => {
  fc.assert(
    fc.property(bytes, bytes, fc.uniqueArray(name, { maxLength: 4 }), name, (before, after, members, member) => {
      fc.pre(!`${before}${after}`.includes('lab:'));
      const line = (list: readonly string[]) => `lab:x:1500:${list.join(',')}\n`;
      const files: AccountFiles = { '/etc/group': `${before}${line(members)}${after}` };
      const expected = members.includes(member) ? members : [...members, member];
      const edited = addMember(files, 'lab', member);
      assert.equal(edited['/etc/group'], `${before}${line(expected)}${after}`);
      assert.deepEqual(addMember(edited, 'lab', member), edited);
      const group = parseGroup(edited['/etc/group'] ?? '').entries.find((entry) => entry.name === 'lab');
      assert.deepEqual(group?.members, expected);
    }),
  );
});

test('no bytes make the readers throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const parse of [parsePasswd, parseGroup, parseShadow, parseRanges]) parse(text);
    }),
  );
});

test('a line without an end gets one first, and NIS stays last', () => {
  const after = addLine({ '/etc/group': 'root:x:0:\n+::' }, '/etc/group', ['lab', 'x', 1500, '']);
  assert.equal(after['/etc/group'], 'root:x:0:\nlab:x:1500:\n+::');
  assert.equal(
    addLine({ '/etc/group': 'root:x:0:' }, '/etc/group', ['a', 'x', 1, ''])['/etc/group'],
    'root:x:0:\na:x:1:\n',
  );
});

test('names of users are none that a file or a path could mistake', () => {
  for (const good of ['ann', 'Ann.Smith', '_svc', 'host$', 'a-b', 'a'.repeat(32)])
    assert.equal(isAccountName(good), true, good);
  for (const bad of ['', '-a', '.', '..', '1000', 'a:b', 'a/b', 'a b', 'a\n', '+', 'ä', 'a'.repeat(33), '*']) {
    assert.equal(isAccountName(bad), false, bad);
  }
});

test('kinds of passwords are told apart by how they begin', () => {
  const kinds = {
    $y$j9T$a$b: 'yescrypt',
    $6$a$b: 'SHA-512',
    $2b$12$x: 'bcrypt',
    $1$a$b: 'MD5',
    'abJnggxhB/yWI': 'DES',
    '': 'empty',
    '!': 'none',
    '*': 'none',
    '!!': 'none',
    '!$6$a$b': 'locked, SHA-512',
    $99$x: 'of an unknown kind',
  };
  for (const [password, kind] of Object.entries(kinds)) assert.equal(passwordKind(password).name, kind);
  assert.deepEqual(
    ['$1$a$b', 'abJnggxhB/yWI', '', '$6$a$b'].map((one) => passwordKind(one).isWeak),
    [true, true, true, false],
  );
});

test('a group of the system that nobody knows is a privilege, those of a desktop are none', () => {
  const named = { users: new Set<string>(), groups: new Set(['ops']) };
  for (const group of ['sudo', 'docker', 'shadow', 'crontab', 'messagebus', 'ops'])
    assert.ok(privilegeOf(group, true, named), group);
  for (const group of ['audio', 'video', 'plugdev', 'dialout'])
    assert.equal(privilegeOf(group, true, named), undefined);
  assert.ok(privilegeOf('docker', false, named));
  assert.ok(privilegeOf('ops', false, named));
  assert.equal(privilegeOf('lab', false, named), undefined);
});
