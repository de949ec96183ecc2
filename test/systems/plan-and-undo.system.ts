/** What a restore does to a whole system, item by item, beside what its plan said; and that nothing of it is left by undo. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { toldBy } from './support/command-line.ts';
import { livedIn } from './support/lived-in.ts';
import { besidePlan, plannedBy } from './support/planned.ts';
import { Scene } from './support/scene.ts';
import { compare, shownDifference, treeOf } from './support/tree.ts';

const scene = new Scene();
const home = scene.home();
const captured = scene.capture(home, livedIn('bookworm'));
const root = scene.newSystem('new');
const before = treeOf(root);

const WISHES: Readonly<Record<string, readonly string[]>> = {
  'another machine': ['--allow-privileged'],
  'nothing privileged': [],
  'every area, as the same machine': ['--allow-privileged', '--areas', 'all', '--identity', 'same'],
};

for (const [name, wish] of Object.entries(WISHES)) {
  test(`${name}: a plan changes nothing, the deed is the plan, a second restore changes nothing, and undo leaves nothing`, (t) => {
    assert.equal(captured.status, 0, toldBy(captured));
    t.after(undoAll);
    const plan = scene.restore(home, root, ...wish, '--dry-run');
    assert.ok(plan.done, plan.stderr);
    assert.deepEqual(shownDifference(before, treeOf(root)), [], 'a dry run changes nothing');

    const deed = scene.restore(home, root, ...wish);
    assert.equal(deed.status, 3, toldBy(deed));
    const after = treeOf(root);
    const planned = plannedBy(plan.events);
    assert.deepEqual(besidePlan(before, after, planned), []);

    const again = scene.restore(home, root, ...wish);
    assert.equal(again.status, 3, toldBy(again));
    // Folders that came with their time, into which an area then put a file: they get that time again.
    const beside = shownDifference(after, treeOf(root)).filter(
      (line) => !/^~ \/(?:opt|usr\/local)\//.test(line) || !onlyTime(line),
    );
    assert.deepEqual(beside, [], 'a second restore changes nothing');

    for (const id of restores().slice(-2).reverse()) {
      const ran = home.run('undo', id);
      assert.equal(ran.status, 0, toldBy(ran));
    }
    assert.deepEqual(shownDifference(before, treeOf(root)), [], 'undo leaves nothing');
    const { added, removed, altered } = compare(before, after);
    t.diagnostic(
      `${planned.changed.size} paths planned; ${added.length} added, ${removed.length} removed, ${altered.length} altered of ${before.size}`,
    );
  });
}

test('a restore that is killed in its midst goes on with the same command, and can be undone', async (t) => {
  let killed = 0;
  // By what it has written down so far, since how long it takes depends on the machine: areas begun, files planned, both for a while.
  for (const [file, looksMore] of [
    ['areas/outcome.json', 0],
    ['areas/outcome.json', 30],
    ['plan', 0],
    ['plan', 30],
    ['plan', 90],
  ] as const) {
    let looks = 0;
    const known = new Set(restores());
    const isTime = (): boolean =>
      restores().some((id) => !known.has(id) && existsSync(join(kept, id, file))) && looks++ >= looksMore;
    const wasKilled = await home.runAndKill(scene.restoreLine(root, '--allow-privileged'), isTime);
    if (wasKilled && compareIsOther()) killed += 1;
  }
  assert.ok(killed > 0, 'no kill came in the midst of changes');
  const ran = scene.restore(home, root, '--allow-privileged');
  assert.equal(ran.status, 3, toldBy(ran));
  t.diagnostic(`killed ${killed} times with something done`);
  undoAll();
  assert.ok(!existsSync(join(root, 'home/ann')));
  // Killed between files and the areas after them, what came before files is put back first: a folder in which both made
  // something then has the time of between.
  const beside = shownDifference(before, treeOf(root)).filter((line) => !onlyTime(line));
  assert.deepEqual(beside, []);
});

/** Of a folder that differs, as it is shown: mode and owner are the same. */
function onlyTime(line: string): boolean {
  const [, was = '', is = ''] = line.split('\n').map((one) => one.trim().split(' '));
  return was[0]?.startsWith('40') === true && was[0] === is[0] && was[1] === is[1];
}

function undoAll(): void {
  for (const id of restores().reverse()) home.run('undo', id);
}

const kept = join(scene.folder, 'home/restores');
const restores = (): string[] => (existsSync(kept) ? readdirSync(kept).sort() : []);

const compareIsOther = (): boolean => shownDifference(before, treeOf(root)).length > 0;
