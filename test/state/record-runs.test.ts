import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { RECORDS_RUN_BYTES } from '../../src/common/limits.ts';
import { digest } from '../../src/state/format/index.ts';
import { Buckets } from '../../src/state/restore/buckets.ts';
import { frameOfRecord, type PlannedFile, readRecord } from '../../src/state/restore/extent-record.ts';
import { PieceBuckets } from '../../src/state/tools/piece-buckets.ts';
import { temporaryFolder } from './support/source-machine.ts';

const COUNT = 200_000;
const hash = digest(Buffer.of(1));
const frameOf = (index: number): number => (index * 7919) % 1000;

test('pieces of one pack that are too many for memory come in runs, each ordered by frame, and none is lost', (t) => {
  const buckets = new Buckets(temporaryFolder(t));
  for (let index = 0; index < COUNT; index++) {
    const file: PlannedFile = {
      ...{ entry: index, folder: 0, name: Buffer.from(`name-${index % 10}`), sizeBytes: 1, holeBytes: 0, group: 0 },
      ...{ placing: 'create', decision: index, extrasAt: 0, mode: 0o600, uid: 0, gid: 0, mtimeNs: 0n },
    };
    buckets.add(3, file, 0, { pack: 3, segment: frameOf(index), offset: 0, length: 1, hash });
  }
  buckets.flush();
  const seen = new Uint8Array(COUNT);
  let runs = 0;
  for (const { records, offsets } of buckets.take(3)) {
    runs += 1;
    assert.ok(records.length <= RECORDS_RUN_BYTES);
    let last = 0;
    for (const offset of offsets) {
      const { entry, frame } = readRecord(records, offset);
      assert.equal(frame, frameOf(entry));
      assert.equal(frameOfRecord(records, offset), frame);
      assert.ok(frame >= last, 'ordered by frame');
      last = frame;
      seen[entry]! += 1;
    }
  }
  assert.ok(runs > 1);
  assert.ok(seen.every((count) => count === 1));
  assert.deepEqual([...buckets.take(3)], [], 'the bucket is gone');
});

test('pieces that a check of a store gathers come in runs too', (t) => {
  const folder = temporaryFolder(t);
  const buckets = new PieceBuckets(folder);
  const name = Buffer.alloc(200, 'x');
  for (let index = 0; index < COUNT / 2; index++) {
    buckets.add(0, index, name, { pack: 0, segment: frameOf(index), offset: 0, length: 1, hash });
  }
  const seen = new Uint8Array(COUNT / 2);
  let runs = 0;
  for (const run of buckets.take(0)) {
    runs += 1;
    let last = 0;
    for (const piece of run) {
      assert.equal(piece.frame, frameOf(piece.folder));
      assert.ok(piece.frame >= last, 'ordered by frame');
      last = piece.frame;
      seen[piece.folder]! += 1;
    }
  }
  assert.ok(runs > 1);
  assert.ok(seen.every((count) => count === 1));
  assert.ok(!existsSync(join(folder, 'bucket0')));
});
