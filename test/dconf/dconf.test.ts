import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { dumpDconf, readDconf } from '../../src/state/dconf/dconf-database.ts';
import { GVariantReader } from '../../src/state/dconf/gvariant.ts';
import { printGVariant } from '../../src/state/dconf/gvariant-text.ts';
import { readType } from '../../src/state/dconf/gvariant-type.ts';

const vector = (name: string) => readFileSync(new URL(`../vectors/dconf/${name}`, import.meta.url));

test('a database is dumped as dconf 0.40 itself dumps it, every type included', () => {
  const database = readDconf(vector('compiled'));
  assert.ok(database);
  assert.equal(dumpDconf(database), vector('compiled.dump').toString('utf8'));
});

test('a folder of a database is dumped as dconf load of that folder reads it', () => {
  const database = readDconf(vector('written'));
  assert.ok(database);
  assert.equal(dumpDconf(database, '/org/gnome/desktop/session/'), '[/]\nidle-delay=uint32 60\n');
  assert.equal(dumpDconf(database, '/org/gnome/desktop/').split('\n')[0], '[screensaver]');
  assert.equal(dumpDconf(database, '/no/'), '');
});

test('whatever is changed in a database, reading it ends, and throws nothing', () => {
  const whole = vector('compiled');
  const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), fc.option(fc.nat(whole.length)), (changes, cut) => {
      const file = Buffer.from(whole.subarray(0, cut ?? undefined));
      for (const { at, byte } of changes) if (at < file.length) file[at] = byte;
      const database = readDconf(file);
      if (database) assert.equal(typeof dumpDconf(database), 'string');
    }),
    { numRuns: 5000 },
  );
});

test('bytes that are no value of their type are none, and nothing is thrown', () => {
  const type = fc.stringMatching(/^[bynqiuxtdsogvam(){}]{1,8}$/);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), type, fc.boolean(), (bytes, text, isLittle) => {
      const variant = Buffer.concat([bytes, Buffer.from(`\0${text}`)]);
      const value = new GVariantReader(isLittle).readVariant(variant);
      if (value) assert.equal(typeof printGVariant(value), 'string');
    }),
    { numRuns: 5000 },
  );
});

test('a forged database cannot have many values made of few bytes', () => {
  // Items that all name one key and one content, and parents that go round.
  const items = 2000;
  const file = Buffer.alloc(24 + 8 + items * 24 + 100_000);
  file.write('GVariant', 0, 'latin1');
  file.writeUInt32LE(24, 16);
  file.writeUInt32LE(32 + items * 24, 20);
  for (let index = 0; index < items; index++) {
    const at = 32 + index * 24;
    file.writeUInt32LE(index % 2 === 0 ? 0xffff_ffff : index, at + 4);
    file.writeUInt32LE(32 + items * 24, at + 8);
    file.writeUInt16LE(2, at + 12);
    file.write('v', at + 14, 'latin1');
    file.writeUInt32LE(32 + items * 24, at + 16);
    file.writeUInt32LE(file.length, at + 20);
  }
  file.write('/a', 32 + items * 24, 'latin1');
  file.write('\0ay', file.length - 3, 'latin1');
  const database = readDconf(file);
  assert.ok(database);
  assert.ok(database.size <= 1);
  const deep = Buffer.concat([Buffer.from('\0v'.repeat(200))]);
  assert.equal(new GVariantReader(true).readVariant(deep), undefined);
  const many = Buffer.concat([Buffer.alloc(300_000), Buffer.from('\0ay')]);
  assert.equal(new GVariantReader(true).readVariant(many), undefined);
});

test('what is no database is none', () => {
  for (const file of [
    Buffer.alloc(0),
    Buffer.from('GVariant'),
    Buffer.alloc(100),
    Buffer.from('root:x:0:0:root:/root:/bin/sh\n'),
  ]) {
    assert.equal(readDconf(file), undefined);
  }
});

test('a value of the other byte order is read', () => {
  const read = (bytes: readonly number[], type: string, isLittle: boolean) => {
    const value = new GVariantReader(isLittle).readVariant(
      Buffer.concat([Buffer.from(bytes), Buffer.from(`\0${type}`)]),
    );
    return value && printGVariant(value);
  };
  assert.equal(read([0, 0, 1, 44], 'u', false), 'uint32 300');
  assert.equal(read([44, 1, 0, 0], 'u', true), 'uint32 300');
  assert.equal(read([255, 254], 'n', false), 'int16 -2');
  assert.equal(read([0, 0, 0, 0, 0, 0, 0, 7], 't', false), 'uint64 7');
  assert.equal(read([0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 'd', false), '1.5');
});

test('types are read whole, or not at all', () => {
  for (const text of ['b', 'a{sv}', '(s(iu)av)', 'mmi', '()', 'a(ss)']) assert.equal(readType(text)?.text, text);
  for (const text of [
    '',
    'a',
    'z',
    'ss',
    '(s',
    '{sv',
    '{vs}',
    '{s}',
    '{(s)s}',
    'a{sv',
    'a'.repeat(100),
    '('.repeat(900),
  ]) {
    assert.equal(readType(text), undefined, text);
  }
  assert.equal(readType('(yu)')?.fixedBytes, 8);
  assert.equal(readType('()')?.fixedBytes, 1);
  assert.equal(readType('(yux)')?.fixedBytes, 16);
});
