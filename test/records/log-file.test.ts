import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ResettleError } from '../../src/common/errors.ts';
import { createAuthority, foundFleet, RecordLog } from '../../src/state/records/index.ts';
import { type Machine, machine, memberBody, randomFrom, rosterText, START } from './machines.ts';

function fileFor(test: TestContext): string {
  const folder = mkdtempSync(joinPath(tmpdir(), 'resettle-records-'));
  test.after(() => rmSync(folder, { recursive: true }));
  return joinPath(folder, 'records.db');
}

async function found(of: Machine): Promise<void> {
  const authorityKey = await createAuthority(randomFrom('authority'));
  await foundFleet(of.log, {
    name: 'office',
    authorityKey,
    memberBody: memberBody(of),
    recoveryRecipient: null,
    now: START,
  });
}

const isRunning = (error: unknown) =>
  error instanceof ResettleError && error.code === 'agent-already-running' && error.hint !== undefined;

describe('the file of a log', () => {
  it('keeps the records, for its owner only, and goes on under a new epoch', async (test) => {
    const path = fileFor(test);
    const first = await machine('ann', path);
    await found(first);
    await first.log.append(memberBody(first, { name: 'second name' }));
    const text = rosterText(first);
    first.log.close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const random = randomFrom('later');
    const log = await RecordLog.open({ path, privateKey: first.key, clock: first.clock, random });
    const second = { ...first, log };
    assert.equal(rosterText(second), text);
    assert.equal([...log.records()].length, 3);
    const epochs = new Set([...log.records()].map(({ header }) => header.epoch));
    const record = await log.append(memberBody(first, { name: 'third name' }));
    assert.ok(!epochs.has(record.header.epoch));
    assert.equal(record.header.sequence, 1);
    assert.deepEqual(log.roster().forks, []);
    log.close();
  });

  it('holds a fleet whole or not at all: a founding that is cut short can be begun again', async (test) => {
    const path = fileFor(test);
    const first = await machine('ann', path);
    const other = await machine('bob');
    const fleet = { name: 'office', recoveryRecipient: null, now: START };
    const authorityKey = await createAuthority(randomFrom('first authority'));
    // Its last step fails: the member record is another machine's.
    await assert.rejects(foundFleet(first.log, { ...fleet, authorityKey, memberBody: memberBody(other) }));
    assert.deepEqual([first.log.fleetId, [...first.log.records()]], [undefined, []]);
    await found(first);
    first.log.close();
    const again = await machine('ann', path);
    assert.equal([...again.log.records()].length, 3);
    again.log.close();
  });

  it('is refused to a second agent, in this process or another one, until the first lets it go', async (test) => {
    const path = fileFor(test);
    const first = await machine('ann', path);
    await assert.rejects(machine('bob', path), isRunning);
    const code = `
      const { machine } = await import(${JSON.stringify(new URL('./machines.ts', import.meta.url).href)});
      try { (await machine('bob', process.argv[1])).log.close(); console.log('opened'); } catch (error) { console.log(error.code); }
    `;
    const ask = async (): Promise<string> => {
      const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code, path];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk) => {
        out += chunk;
      });
      await once(child, 'close');
      return out.trim();
    };
    assert.equal(await ask(), 'agent-already-running');
    await found(first);
    assert.equal(await ask(), 'agent-already-running');
    first.log.close();
    assert.equal(await ask(), 'opened');
  });

  it('that is not a log is reported as damaged', async (test) => {
    const path = fileFor(test);
    writeFileSync(path, 'not a database, but long enough to be looked at as one'.repeat(50));
    await assert.rejects(machine('ann', path), (error) => error instanceof ResettleError && error.code === 'damaged');
  });
});
