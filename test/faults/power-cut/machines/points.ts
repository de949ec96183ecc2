/**
 * Two points: one takes snapshots from a source and copies them to the other, and both delete them when their time has
 * come. Arguments: the folder that the points' stores are made in.
 */
import { randomBytes } from 'node:crypto';
import { syncFolder } from '../../../../src/common/durable-folders.ts';
import { packId } from '../../../../src/common/ids.ts';
import { digest } from '../../../../src/state/format/index.ts';
import { eventually, Office, type TestPack } from '../../../node/point/support/office.ts';
import { say } from '../service.ts';

const YEAR_MS = 365 * 86_400_000;

/** They look like packs from outside: their beginning, and the size of a bucket. */
const packOf = (sizeBytes: number): TestPack => {
  const bytes = Buffer.concat([Buffer.from('RSTLPK01'), randomBytes(sizeBytes - 8)]);
  return { id: packId(digest(bytes).toString('hex')), bytes };
};

process.env.TMPDIR = process.argv[2]!;
const ends: (() => Promise<void>)[] = [];
const office = await Office.open({ after: (end) => void ends.push(end) }, 2);
const [one, two] = office.points as [(typeof office.points)[0], (typeof office.points)[0]];
// Made by the test, and there before the machines.
syncFolder(process.argv[2]!);
await one.start();
await two.start();
const association = await office.associate({ replicas: 2, keepMs: 0 });
say({ stores: [one.dir, two.dir] });

const holds = (point: typeof one, state: string, snapshot: number) => {
  const word = point.receipt(association, state as never);
  return word?.phase === 'held' && word.snapshot === snapshot && word.bytes === word.totalBytes;
};

const keys = [{ name: office.destination.peerId, bytes: Buffer.from('age-encryption.org/v1\nfor the destination') }];
let newest = await office.snapshot(association, [packOf(1024), packOf(65_536), packOf(512)], { keys });
for (const snapshot of [1, 2]) {
  if (snapshot > 1) {
    const packs = [...newest.packs.slice(1), packOf(32_768)];
    newest = await office.snapshot(association, packs, { state: newest.state, snapshot, keys });
  }
  await office.capture(one, newest);
  say({ store: 0, state: newest.state, snapshot });
  await eventually('it is copied', () => holds(two, newest.state, snapshot) || undefined);
  say({ store: 1, state: newest.state, snapshot });
}
say({ deleting: newest.state });
await office.acknowledge(newest);
for (const point of [one, two]) point.clock.skippedMs += YEAR_MS;
for (const [store, point] of [one, two].entries()) {
  await eventually('it is deleted', () => point.receipt(association, newest.state)?.phase === 'deleted' || undefined);
  say({ deleted: store });
}
await one.stop();
await two.stop();
