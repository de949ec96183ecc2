import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/common/clock.ts';
import { Home } from '../../../src/node/home/home.ts';
import { Fleet } from '../../../src/node/membership/fleet.ts';
import { GuessFile } from '../../../src/node/pairing/guess-file.ts';
import { cutAgainAndAgain, inMemory, type Left, lastOf, type Said } from '../power-cut/cuts.ts';
import { record } from '../power-cut/record.ts';
import type { Run, Scenario, Tally } from '../scenario.ts';

const MACHINE = new URL('../power-cut/machines/home.ts', import.meta.url);
const COUNTS = { states: 250, thorough: 0 };

const run = (run: Run): Promise<Tally> =>
  inMemory(run, ['homes', 'papers'], true, async (dir, roots) => {
    const { recording, status, stderr } = await record(roots, MACHINE, [dir]);
    assert.equal(status, 0, stderr);
    return await cutAgainAndAgain(run, recording, roots, COUNTS, (left) => check(dir, left));
  });

async function check(dir: string, { said }: Left): Promise<Tally> {
  const home = new Home(join(dir, 'homes', 'of', 'resettle'));
  const open = () => Fleet.open({ home, clock: systemClock, random: randomBytes, name: 'laptop' });
  let fleet = await open();
  const identity = lastOf<string>(said, 'identity');
  const founded = lastOf<string>(said, 'founded');
  try {
    if (identity !== undefined) assert.equal(fleet.identity.peerId, identity, 'it is another machine');
    await checkRecords(fleet, said);
    await checkGuesses(home, said);
    checkFiles(home, said);
    if (founded !== undefined)
      assert.ok(statSync(join(dir, 'papers', 'recovery')).size > 0, 'the recovery file is gone');
    else if (!fleet.log.roster().members.has(fleet.identity.peerId)) await fleet.init({ name: 'office' });
  } finally {
    fleet.close();
  }
  // What was done since stands, too.
  fleet = await open();
  assert.ok(fleet.log.roster().members.has(fleet.identity.peerId));
  fleet.close();
  return { 'said before': said.length };
}

async function checkRecords({ log, identity }: Fleet, said: readonly Said[]): Promise<void> {
  const name = lastOf<string>(said, 'name');
  if (name === undefined) return;
  const round = Number(name.split(' ')[1]);
  const found = log.roster().members.get(identity.peerId)?.name;
  assert.ok(found === name || found === `laptop ${round + 1}`, `the record ${name} was stored, and is ${found} now`);
}

/** What was counted may be one more than was said, never less. */
async function checkGuesses(home: Home, said: readonly Said[]): Promise<void> {
  const file = new GuessFile(home);
  try {
    let counted = 0;
    await file.update((times) => {
      counted = times.length;
      return times;
    });
    const known = lastOf<number>(said, 'guesses') ?? 0;
    assert.ok(counted === known || counted === known + 1, `${known} guesses were counted, and ${counted} are there`);
  } finally {
    file.close();
  }
}

function checkFiles(home: Home, said: readonly Said[]): void {
  const forgotten = new Set(said.map((line) => line.forgotten));
  for (const round of said.map((line) => line.kept).filter((one) => one !== undefined)) {
    const path = home.path('shares', `share-${String(round)}`);
    if (forgotten.has(round)) assert.ok(!existsSync(path), `share ${String(round)} was forgotten, and is there again`);
    else if (!beingForgotten(said, round)) assert.ok(existsSync(path), `share ${String(round)} was kept, and is gone`);
  }
  const newest = lastOf<number>(said, 'newest');
  if (newest === undefined) return;
  const text = home.read('states', 'state')?.toString() ?? 'nothing';
  assert.ok(
    [`round ${newest}\n`, `round ${newest + 1}\n`].includes(text),
    `${newest} was written, and ${text} is there`,
  );
}

/** It is the last that was said: its removal may be under way. */
const beingForgotten = (said: readonly Said[], round: unknown): boolean => said.at(-1)?.kept === round;

export const scenarios: readonly Scenario[] = [
  {
    name: 'power-home',
    about: 'After a power cut a machine is who it was, and knows what it signed, counted, kept and forgot',
    gateRuns: 1,
    run,
  },
];
