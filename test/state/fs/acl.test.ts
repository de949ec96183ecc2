import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type AclEntry, decodeAcl, encodeAcl } from '../../../src/state/fs/acl.ts';

const permissions = fc.nat(7);
const line: fc.Arbitrary<AclEntry> = fc.oneof(
  fc.record({ tag: fc.constantFrom(1, 4, 16, 32), permissions, id: fc.constant(undefined) }),
  fc.record({ tag: fc.constantFrom(2, 8), permissions, id: fc.nat(0xffff_fffe) }),
);
const inOrder = (lines: readonly AclEntry[]) =>
  lines.toSorted((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0)).map((entry) => ({ ...entry }));

test('an ACL comes back in the order of the kernel', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), (lines) => {
      const bytes = encodeAcl(lines);
      assert.equal(bytes.length, 4 + 8 * lines.length);
      assert.deepEqual(decodeAcl(bytes), inOrder(lines));
    }),
  );
});

test('any bytes are either no ACL or one that stays the same', () => {
  const word = fc.constantFrom(
    [2, 0, 0, 0],
    [1, 0, 7, 0],
    [2, 0, 6, 0],
    [8, 0, 5, 0],
    [32, 0, 4, 0],
    [255, 255, 255, 255],
  );
  const nearly = fc.array(word, { maxLength: 12 }).map((words) => Uint8Array.from(words.flat()));
  let acls = 0;
  fc.assert(
    fc.property(fc.oneof(nearly, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const lines = decodeAcl(bytes);
      if (!lines) return;
      acls += 1;
      assert.equal(lines.length, (bytes.length - 4) / 8);
      for (const { tag, id } of lines) assert.equal(id === undefined, tag !== 2 && tag !== 8);
      assert.deepEqual(decodeAcl(encodeAcl(lines)), inOrder(lines));
    }),
    { numRuns: 2000 },
  );
  assert.ok(acls > 0, 'no run made an ACL');
});

test('an ACL that setfacl made is read, and written as it was', () => {
  // setfacl -m u:5:r on a file of mode 0664.
  const bytes = Buffer.from(
    '02000000' + '01000600ffffffff' + '0200040005000000' + '04000400ffffffff' + '10000400ffffffff' + '20000400ffffffff',
    'hex',
  );
  const lines = decodeAcl(bytes)!;
  assert.deepEqual(lines[1], { tag: 2, permissions: 4, id: 5 });
  assert.deepEqual(lines[3], { tag: 16, permissions: 4, id: undefined });
  assert.deepEqual(encodeAcl(lines.toReversed()), bytes);
});

test('what the kernel would refuse is no ACL', () => {
  const owner = '01000600ffffffff';
  assert.deepEqual(decodeAcl(Buffer.from(`02000000${owner}`, 'hex')), [{ tag: 1, permissions: 6, id: undefined }]);
  const bad = {
    'cut short': `02000000${owner.slice(0, 8)}`,
    'no header': '0200',
    'another version': `01000000${owner}`,
    'an unknown tag': '0200000003000600ffffffff',
    'two tags in one': '0200000005000600ffffffff',
    'permissions beyond rwx': '0200000001000800ffffffff',
    'a user without a number': '0200000002000600ffffffff',
  };
  for (const [what, hex] of Object.entries(bad)) assert.equal(decodeAcl(Buffer.from(hex, 'hex')), undefined, what);
});
