import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { FileEntry } from '../../src/state/format/index.ts';
import { FilePieces, type Piece } from '../../src/state/receive/file-pieces.ts';
import { PlannedFiles } from '../../src/state/receive/planned-files.ts';
import { RecordFile } from '../../src/state/receive/record-file.ts';
import { temporaryFolder } from './support/source-machine.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const piece: fc.Arbitrary<Piece> = fc.record({
  fileOffset: fc.oneof(
    fc.integer({ min: 0, max: 30 }).map((block) => block * 1_000_000),
    fc.integer({ min: 0, max: 30_000_000 }),
  ),
  length: fc.integer({ min: 1, max: 1_000_000 }),
  hash,
});
const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

test('the pieces of a file are the last that came of each place, and those that nothing went over', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      const kept = new FilePieces();
      const model = new Map<number, Piece>();
      for (const one of pieces) {
        kept.set(one);
        for (const { fileOffset, length } of model.values()) {
          const isOver = fileOffset < one.fileOffset + one.length && one.fileOffset < fileOffset + length;
          if (isOver) model.delete(fileOffset);
        }
        model.set(one.fileOffset, one);
        assert.equal(kept.count, model.size);
      }
      for (const one of pieces) {
        const last = model.get(one.fileOffset);
        assert.equal(kept.has(one), last?.length === one.length && sameBytes(last.hash, one.hash));
      }
      assert.equal(
        kept.bytes,
        [...model.values()].reduce((sum, { length }) => sum + length, 0),
      );
      const last = [...model.values()].sort((a, b) => b.fileOffset - a.fileOffset)[0];
      assert.equal(kept.end, last ? last.fileOffset + last.length : 0);
    }),
  );
});

test('planned files are found by their entry, in any order', (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(5000), { maxLength: 1500 }),
      fc.array(fc.nat(5000), { maxLength: 300 }),
      (entries, looked) => {
        const files = new PlannedFiles(join(folder, `planned-${run++}`), 5001);
        const sorted = [...entries].sort((a, b) => a - b);
        for (const entry of sorted) {
          files.add({
            entry,
            folder: entry % 7,
            name: Buffer.from('n'.repeat((entry % 255) + 1)),
            sizeBytes: entry * 1000,
            holeBytes: 0,
            group: 0,
            placing: 'create',
            decision: entry + 1,
            extrasAt: 0,
            mode: 0o640,
            uid: 5,
            gid: 6,
            mtimeNs: BigInt(entry),
          });
        }
        files.flush();
        const wanted = new Set(entries);
        for (const entry of [...looked, ...sorted]) {
          const found = files.get(entry);
          assert.equal(found !== undefined, wanted.has(entry));
          if (!found) continue;
          assert.deepEqual(
            [found.entry, found.folder, found.name.length, found.sizeBytes, found.decision, found.mtimeNs],
            [entry, entry % 7, (entry % 255) + 1, entry * 1000, entry + 1, BigInt(entry)],
          );
        }
        files.close();
      },
    ),
    { numRuns: 20 },
  );
});

const fileOf = (seed: number, goesOn: boolean): FileEntry => ({
  kind: 'file',
  name: Buffer.from(`file-${seed}`),
  mode: 0o600,
  uid: 1,
  gid: 2,
  mtimeNs: BigInt(seed),
  sizeBytes: seed,
  extents: seed > 0 ? [{ pack: 0, segment: 0, offset: 0, length: seed, hash: Buffer.alloc(32, seed) }] : [],
  group: 0,
  changed: false,
  goesOn,
});

type Step =
  | { readonly kind: 'file'; readonly entry: number; readonly seed: number; readonly pieces: number }
  | { readonly kind: 'piece'; readonly entry: number; readonly piece: Piece }
  | { readonly kind: 'forget'; readonly entry: number };
const entry = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), entry, seed: fc.nat(200), pieces: fc.nat(3) }),
  fc.record({ kind: fc.constant('piece' as const), entry, piece }),
  fc.record({ kind: fc.constant('forget' as const), entry }),
);

test('what came is known to a later process, as far as it was written', (t) => {
  const folder = temporaryFolder(t);
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(400), (steps, cut) => {
      const path = join(folder, `received-${run++}`);
      const written = new RecordFile(path, 10);
      const files = new Map<number, { seed: number; count: number }>();
      const pieces = new Map<number, Piece[]>();
      for (const one of steps) {
        if (one.kind === 'file') {
          written.add({ kind: 'file', entry: one.entry, file: fileOf(one.seed, one.pieces > 0) });
          for (let more = 1; more <= one.pieces; more++) {
            const { name, extents } = fileOf(one.seed, false);
            const file = { kind: 'more', name, extents, goesOn: more < one.pieces } as const;
            written.add({ kind: 'more', entry: one.entry, file });
          }
          files.set(one.entry, { seed: one.seed, count: one.pieces + 1 });
          pieces.delete(one.entry);
        } else if (one.kind === 'piece') {
          written.addPiece(one.entry, one.piece);
          pieces.set(one.entry, [...(pieces.get(one.entry) ?? []), one.piece]);
        } else {
          written.forget(one.entry);
          files.delete(one.entry);
          pieces.delete(one.entry);
        }
      }
      const check = (records: RecordFile) => {
        for (let number = 0; number < 10; number++) {
          const found = [...records.of(number)];
          const expected = files.get(number);
          assert.equal(found.length, expected?.count ?? 0);
          if (found[0]?.kind === 'file') assert.equal(found[0].sizeBytes, expected!.seed);
          const came = [...records.piecesOf(number)].map(({ fileOffset, length }) => [fileOffset, length]);
          assert.deepEqual(
            came,
            (pieces.get(number) ?? []).map(({ fileOffset, length }) => [fileOffset, length]),
          );
        }
      };
      check(written);
      written.close();
      const again = new RecordFile(path, 10);
      check(again);
      again.close();
      // Cut short anywhere, or with anything behind it: what is whole in front is read, and it can be gone on with.
      const { length } = readFileSync(path);
      truncateSync(path, Math.max(0, length - cut));
      const short = new RecordFile(path, 10);
      for (let number = 0; number < 10; number++) assert.doesNotThrow(() => [...short.of(number)]);
      short.addPiece(3, { fileOffset: 0, length: 7, hash: Buffer.alloc(32) });
      short.close();
      const last = new RecordFile(path, 10);
      assert.equal([...last.piecesOf(3)].at(-1)?.length, 7);
      last.close();
    }),
    { numRuns: 200 },
  );
});

test('bytes that are no records of ours are dropped', (t) => {
  const path = join(temporaryFolder(t), 'received');
  writeFileSync(path, '');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0, 1, 2, 3, 4), (garbage, kind) => {
      const head = Buffer.alloc(5, kind);
      head.writeUInt32LE(Math.max(0, garbage.length - 3), 1);
      const bytes = Buffer.concat([head, garbage]);
      writeFileSync(path, '');
      const records = new RecordFile(path, 3);
      records.add({ kind: 'file', entry: 1, file: fileOf(7, false) });
      records.close();
      appendFileSync(path, bytes);
      const again = new RecordFile(path, 3);
      assert.equal([...again.of(1)].length <= 1, true);
      again.close();
    }),
  );
});
