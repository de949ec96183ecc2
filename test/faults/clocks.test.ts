import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Home } from '../../src/node/home/home.ts';
import { newRestoreId } from '../../src/node/roles/destination/apply.ts';
import { plainAssociation, RecordLog } from '../../src/state/records/index.ts';
import { fleetOf, invite, join as joinFleet, machine, START, sync } from '../records/machines.ts';

const YEAR_MS = 366 * 86_400_000;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'resettle-clocks-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a clock that was twenty years ahead makes no machine mute: what it signed then is left, and the rest is heard', async (t) => {
  const path = join(folder(t), 'records.db');
  const { operator } = await fleetOf('office');
  const laptop = await machine('laptop', path);
  await joinFleet(laptop, operator, await invite(operator));
  const associate = (log: RecordLog, nonce: string) =>
    log.append({
      ...plainAssociation({ source: laptop.peerId, destination: operator.peerId, mode: 'side-by-side', nonce }),
    });
  laptop.clock.set(START + 20 * YEAR_MS);
  const ahead = await associate(laptop.log, '11'.repeat(16));
  const { refused } = await operator.log.insert([ahead.envelope]);
  assert.match(refused[0]!.reason, /years ahead/, 'nobody else takes it');

  laptop.clock.set(START + 1000);
  laptop.log.close();
  const { key, clock, random } = laptop;
  const log = await RecordLog.open({ path, privateKey: key, clock, random });
  t.after(() => log.close());
  assert.equal(log.has(ahead.hash), false);
  const right = await associate(log, '22'.repeat(16));
  assert.ok(right.header.time < START + YEAR_MS);
  await sync({ ...laptop, log }, operator);
  assert.ok(operator.log.has(right.hash), 'the fleet has it');
});

test('a clock that is decades behind leaves nothing out that was signed before', async (t) => {
  const path = join(folder(t), 'records.db');
  const { operator } = await fleetOf('office');
  const laptop = await machine('laptop', path);
  laptop.clock.set(START + 9 * YEAR_MS);
  operator.clock.set(START + 9 * YEAR_MS);
  await joinFleet(laptop, operator, await invite(operator));
  const body = plainAssociation({
    ...{ source: laptop.peerId, destination: operator.peerId, mode: 'side-by-side' as const },
    nonce: '33'.repeat(16),
  });
  const record = await laptop.log.append(body);
  laptop.log.close();
  laptop.clock.set(0);
  const { key, clock, random } = laptop;
  const log = await RecordLog.open({ path, privateKey: key, clock, random });
  t.after(() => log.close());
  assert.ok(log.has(record.hash));
});

test('ids of restores ascend in the order in which they were made, wherever the clock jumps', (t) => {
  const home = new Home(join(folder(t), 'home'));
  let nowMs = START;
  const clock = { now: () => nowMs, monotonicMs: () => 0 };
  const ids: string[] = [];
  for (const jumpMs of [0, -5 * YEAR_MS, 1, 30 * YEAR_MS, -40 * YEAR_MS, 0, 0]) {
    nowMs += jumpMs;
    ids.push(newRestoreId(home, clock, (count) => new Uint8Array(count).fill(255 - ids.length)));
    home.folder('restores', ids.at(-1)!);
  }
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});
