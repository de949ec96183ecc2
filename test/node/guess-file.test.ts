import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { PAIRING_COUNTED_PER_HOUR_MAX } from '../../src/common/limits.ts';
import { Home } from '../../src/node/home/home.ts';
import { GuessFile } from '../../src/node/pairing/guess-file.ts';
import { HourlyCap } from '../../src/protocols/pair/hourly-cap.ts';
import { HeldClock } from '../pair/support/parties.ts';

describe('the file of guesses', () => {
  let home: Home;
  beforeEach(() => {
    home = new Home(mkdtempSync(join(tmpdir(), 'resettle-guesses-')));
  });
  afterEach(() => rmSync(home.dir, { recursive: true, force: true }));

  it('keeps the hourly cap over restarts', async () => {
    const clock = new HeldClock();
    for (let taken = 0; taken <= PAIRING_COUNTED_PER_HOUR_MAX; taken++) {
      const file = new GuessFile(home);
      const time = await new HourlyCap(file, clock).take();
      assert.equal(time !== undefined, taken < PAIRING_COUNTED_PER_HOUR_MAX);
      file.close();
    }
    clock.pass(3_600_000);
    const file = new GuessFile(home);
    assert.notEqual(await new HourlyCap(file, clock).take(), undefined);
    file.close();
  });

  it('counts exactly when several holders of it count at once', async () => {
    const clock = new HeldClock();
    const files = [new GuessFile(home), new GuessFile(home), new GuessFile(home)];
    const asked = Array.from({ length: 30 }, (_, at) => new HourlyCap(files[at % 3]!, clock).take());
    const taken = (await Promise.all(asked)).filter((time) => time !== undefined);
    assert.equal(taken.length, PAIRING_COUNTED_PER_HOUR_MAX);
    for (const file of files) file.close();
  });

  it('waits for another holder of the file', async () => {
    const [held, other] = [new GuessFile(home), new GuessFile(home)];
    const seen: number[][] = [];
    let waiting: Promise<void> | undefined;
    await held.update((times) => {
      // The other one finds the file locked, since this change is not yet written.
      waiting = other.update((found) => {
        seen.push([...found]);
        return found;
      });
      return [...times, 7];
    });
    await waiting;
    assert.deepEqual(seen, [[7]]);
    held.close();
    other.close();
  });

  it('can be read by its owner only', () => {
    new GuessFile(home).close();
    assert.equal(statSync(home.path('pairing.db')).mode & 0o777, 0o600);
  });

  it('lets nobody pair when it is damaged, and says which file it is', async () => {
    writeFileSync(home.path('pairing.db'), 'this is no database, and long enough to be looked at as one'.repeat(20));
    const file = new GuessFile(home);
    await assert.rejects(new HourlyCap(file, new HeldClock()).take(), { code: 'damaged', message: /pairing\.db/ });
    file.close();
  });

  it('is as it was when a change fails', async () => {
    const file = new GuessFile(home);
    await file.update(() => [1, 2]);
    await assert.rejects(
      file.update(() => {
        throw new Error('no');
      }),
      /no/,
    );
    let found: readonly number[] = [];
    await file.update((times) => {
      found = times;
      return times;
    });
    assert.deepEqual(found, [1, 2]);
    file.close();
  });
});
