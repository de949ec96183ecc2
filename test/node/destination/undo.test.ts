import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { withService } from '../../../src/api/connect.ts';
import type { ApiEvent, Method, RequestOf } from '../../../src/api/contract.ts';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { Command } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { longTest } from '../../support/long.ts';
import { makeMachine, put } from '../../support/small-machine.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-undo-'));
const store = join(dir, 'store');
const machines = join(dir, 'machines');
const home = join(dir, 'home');
const restores = join(home, 'restores');
let peerId = '';

type Done = Readonly<Record<string, unknown>>;

function call<M extends Method>(method: M, request: RequestOf<M>, events: ApiEvent[] = []): Promise<Done> {
  const { signal } = new AbortController();
  return withService(home, (service) => service.call(method, request, (event) => events.push(event), signal));
}

const undo = (restore?: string, events?: ApiEvent[]) => call('undo', restore === undefined ? {} : { restore }, events);

before(async () => {
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'folder'), { recursive: true });
  for (const name of ['report', 'folder/more']) writeFileSync(join(tree, name), 'captured');
  peerId = String((await call('fleetInit', { name: 'office' })).peerId);
  await call('captureFolder', { paths: [tree], dir: store, for: peerId });
  const old = join(dir, 'old');
  makeMachine(old, 'oldbox', [{ name: 'ann', id: 1000 }]);
  put(old, '/etc/cron.d/nightly', '0 3 * * * root /usr/local/bin/nightly\n');
  put(old, '/home/ann/thesis', { content: 'all of it', uid: 1000, gid: 1000 });
  await call('captureFolder', {
    paths: [],
    areas: ['homes', 'accounts', 'schedules'],
    root: old,
    dir: machines,
    for: peerId,
  });
});
after(() => rmSync(dir, { recursive: true, force: true }));

const ASKED = { allowPrivileged: false, mapUsers: [], dryRun: false };

/** A folder that has some of what was captured, but other, and a copy of it as it was. */
function makeTarget(name: string): { into: string; copy: string } {
  const [into, copy] = [join(dir, name), join(dir, `${name}-copy`)];
  mkdirSync(join(into, 'folder'), { recursive: true });
  for (const one of ['report', 'folder/mine']) writeFileSync(join(into, one), 'mine');
  execFileSync('cp', ['-a', into, copy]);
  return { into, copy };
}

const restored = async (into: string): Promise<string> =>
  String(
    (await call('restoreFolder', { ...ASKED, dir: store, into, strip: true, root: false, onConflict: 'replace' }))
      .restore,
  );

/** The same by a process that is killed there. */
async function killed(point: Failpoint, into: string): Promise<void> {
  const asked = ['restore', '--home', home, '--store', store, '--into', into, '--strip', '--on-conflict', 'replace'];
  await isKilled(asked, point);
}

async function isKilled(args: readonly string[], point: Failpoint): Promise<void> {
  const { signal, stderr } = await new Command(args, { env: { RESETTLE_FAILPOINT: point } }).ended;
  assert.equal(signal, 'SIGKILL', stderr);
}

const idsIn = (): string[] => readdirSync(restores).sort();
const recorded = (): string[] => idsIn().filter((id) => existsSync(join(restores, id, 'restore.json')));

/** What differs, but for the times of folders that had items added and removed. */
const differences = (a: string, b: string): string[] =>
  compareTrees(a, b).differences.filter((one) => !/^\.(\/folder)? has mtime /.test(one));

const BEFORE_ITS_PLAN = [
  'restore.record-renamed',
  'restore.journal-made',
  'restore.journal-written',
  'restore.plan-written',
] as const;

for (const point of BEFORE_ITS_PLAN) {
  const inGate = point === 'restore.journal-written' || point === 'restore.plan-written';
  (inGate ? test : longTest)(
    `a restore that is killed at ${point} changed nothing: undo takes the one before, and no trace stays`,
    async () => {
      const older = makeTarget(`${point}-older`);
      const first = await restored(older.into);
      const { into, copy } = makeTarget(point);
      const fresh = join(dir, `${point}-fresh`);
      await killed(point, into);
      if (point === 'restore.journal-written') await killed(point, fresh);
      const begun = recorded().filter((id) => id > first);
      assert.ok(begun.length > 0);
      const { associations: _, ...checklist } = await call('checklist', {});
      assert.equal(checklist.restore, first, 'there is nothing of them to be looked at');
      const events: ApiEvent[] = [];
      const done = await undo(undefined, events);
      assert.equal(done.restore, first);
      assert.deepEqual(differences(older.copy, older.into), []);
      assert.deepEqual(compareTrees(copy, into).differences, [], 'not even a time');
      assert.ok(!existsSync(fresh));
      assert.deepEqual(
        idsIn().filter((id) => begun.includes(id)),
        [],
      );
      for (const id of begun) {
        assert.ok(
          events.some(({ message }) => `${message}`.includes(id)),
          'it is told',
        );
      }
    },
  );
}

for (const point of ['restore.journal-made', 'restore.journal-written'] as const) {
  (point === 'restore.journal-written' ? test : longTest)(
    `a restore that is killed at ${point} and given again is one restore`,
    async () => {
      const first = await restored(makeTarget(`${point}-first`).into);
      const { into, copy } = makeTarget(`${point}-twice`);
      await killed(point, into);
      const second = await restored(into);
      const done = await undo();
      assert.deepEqual([done.restore, done.earlier], [second, first]);
      assert.deepEqual(compareTrees(copy, into).differences, [], 'not even a time');
      const again = await undo();
      assert.deepEqual([again.restore, again.wasUndone, again.earlier], [second, true, first]);
      await undo(first);
      const fresh = join(dir, `${point}-fresh-twice`);
      await killed(point, fresh);
      await restored(fresh);
      await undo();
      assert.ok(!existsSync(fresh), 'it was not there before either');
    },
  );
}

for (const point of ['restore.record-renamed', 'restore.target-opened'] as const) {
  test(`a restore into a new folder that is killed at ${point} leaves a folder that is known to be its own`, async () => {
    const first = await restored(makeTarget(`${point}-before`).into);
    const [fresh, other] = [join(dir, `${point}-new`), join(dir, `${point}-other`)];
    await killed(point, fresh);
    await killed(point, other);
    assert.equal((await undo()).restore, first);
    assert.ok(!existsSync(fresh));
    assert.ok(!existsSync(other));
    await killed(point, fresh);
    const second = await restored(fresh);
    assert.equal((await undo()).restore, second);
    assert.ok(!existsSync(fresh), 'the run that was killed made it');
  });
}

test('a target whose way is a link is undone where it is', async () => {
  const real = join(dir, 'real-place');
  mkdirSync(real);
  symlinkSync(real, join(dir, 'way'));
  const id = await restored(join(dir, 'way', 'a', 'b'));
  const { target } = JSON.parse(readFileSync(join(restores, id, 'restore.json'), 'utf8').split('\n')[0]!);
  assert.equal(target, join(real, 'a', 'b'));
  await undo();
  assert.ok(!existsSync(target));
});

test('a restore into a folder that cannot be made leaves nothing of itself', async () => {
  writeFileSync(join(dir, 'file'), '');
  const idsBefore = idsIn();
  await assert.rejects(restored(join(dir, 'file', 'a')), { code: 'failed' });
  assert.deepEqual(idsIn(), idsBefore);
});

test('what a restore left that changed nothing does not cost the one after it its journal', async () => {
  const { into } = makeTarget('two-begun');
  await killed('restore.record-renamed', into);
  const begun = recorded().at(-1)!;
  await killed('restore.item-placed', into);
  const going = recorded().at(-1)!;
  assert.notEqual(begun, going);
  assert.ok(!existsSync(join(restores, begun)), 'it is the same restore');
  await assert.rejects(undo(begun), { code: 'not-found' });
  assert.equal(await restored(into), going, 'it goes on');
});

test('an older restore that is undone leaves the journal of an unfinished one of the same snapshot', async () => {
  const { into } = makeTarget('same-snapshot');
  const first = await restored(into);
  writeFileSync(join(into, 'report'), 'mine once more');
  await killed('restore.item-placed', into);
  const going = recorded().at(-1)!;
  await undo(first);
  assert.equal(await restored(into), going);
});

/** Flips a bit in the middle of a file. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

test('a damaged record of a restore is named, and stops no other restore, undo or checklist', async () => {
  const sound = makeTarget('sound');
  const first = await restored(sound.into);
  const hurt = await restored(makeTarget('hurt').into);
  flip(join(restores, hurt, 'restore.json'));
  const named = (error: { code: string; message: string; hint: string }): boolean => {
    assert.equal(error.code, 'damaged');
    assert.ok(error.message.includes(join(restores, hurt, 'restore.json')), error.message);
    assert.ok(error.hint.includes(join(restores, hurt)) && error.hint.includes(first), error.hint);
    return true;
  };
  await assert.rejects(undo(), named, 'nobody asked for the one before');
  await assert.rejects(undo(hurt), named);
  await assert.rejects(call('checklist', {}), named);
  await assert.rejects(undo('20200131-235959123-0a1b2c3d'), { code: 'not-found' });
  const later = makeTarget('later');
  const newest = await restored(later.into);
  assert.equal((await call('checklist', {})).restore, newest);
  const done = await undo();
  assert.deepEqual([done.restore, done.earlier], [newest, first]);
  assert.deepEqual(differences(later.copy, later.into), []);
  await undo(first);
  assert.deepEqual(differences(sound.copy, sound.into), []);
  rmSync(join(restores, hurt), { recursive: true });
});

test('what says that a restore was undone, damaged, does not make the one before the newest', async () => {
  const older = makeTarget('older-than-damaged');
  await restored(older.into);
  const id = await restored(makeTarget('undone-damaged').into);
  await undo();
  flip(join(restores, id, 'undone.json'));
  await assert.rejects(undo(), { code: 'damaged' });
  assert.equal(readFileSync(join(older.into, 'report'), 'utf8'), 'captured');
  rmSync(join(restores, id), { recursive: true });
});

function newMachine(name: string): { root: string; copy: string } {
  const [root, copy] = [join(dir, name), join(dir, `${name}-copy`)];
  makeMachine(root, 'newbox', [{ name: 'zoe', id: 1000 }]);
  execFileSync('cp', ['-a', root, copy]);
  return { root, copy };
}

const restoredMachine = (root: string, events?: ApiEvent[]): Promise<Done> =>
  call(
    'restoreFolder',
    { ...ASKED, dir: machines, into: root, strip: false, root: true, allowPrivileged: true },
    events,
  );

const killedMachine = (point: Failpoint, root: string): Promise<void> =>
  isKilled(['restore', '--home', home, '--store', machines, '--root', root, '--allow-privileged', '--yes'], point);

for (const point of ['areas.plan-written', 'areas.staged'] as const) {
  test(`a restore of a machine that is killed at ${point} changed nothing, and undo takes the one before`, async () => {
    const older = makeTarget(`${point}-older`);
    const first = await restored(older.into);
    const { root, copy } = newMachine(point);
    await killedMachine(point, root);
    const left = idsIn().at(-1)!;
    assert.ok(left > first);
    assert.equal((await undo()).restore, first);
    assert.deepEqual(compareTrees(copy, root).differences, []);
    assert.ok(!existsSync(join(restores, left)), 'the documents are gone, and what they say with them');
  });
}

test('a damaged record of an unfinished restore stops those of its own root only, and says what to do', async () => {
  const [one, other] = [newMachine('damaged-one'), newMachine('damaged-other')];
  await killedMachine('areas.step-done', one.root);
  const hurt = idsIn().at(-1)!;
  flip(join(restores, hurt, 'areas', 'outcome.json'));
  const events: ApiEvent[] = [];
  const done = await restoredMachine(other.root, events);
  assert.ok(events.some(({ event, message }) => event === 'note' && `${message}`.includes(hurt)));
  assert.match(readFileSync(join(other.root, 'etc/passwd'), 'utf8'), /^ann:/m);
  await assert.rejects(restoredMachine(one.root), (error: { code: string; message: string; hint: string }) => {
    assert.equal(error.code, 'damaged');
    assert.ok(error.message.includes(hurt) && error.message.includes(one.root), error.message);
    for (const place of [join(restores, hurt), join(restores, hurt, 'areas', 'before')]) {
      assert.ok(error.hint.includes(place), error.hint);
    }
    return true;
  });
  assert.equal((await undo()).restore, done.restore);
  assert.deepEqual(differences(other.copy, other.root), []);
  flip(join(restores, hurt, 'areas', 'plan.json'));
  await assert.rejects(restoredMachine(newMachine('damaged-any').root), { code: 'damaged' }, 'it may be of any root');
  rmSync(join(restores, hurt), { recursive: true });
});

test('a damaged record of a restore that came to its end stops nobody, on its own root neither', async () => {
  const { root } = newMachine('ended');
  const hurt = String((await restoredMachine(root)).restore);
  flip(join(restores, hurt, 'areas', 'outcome.json'));
  await assert.rejects(undo(), { code: 'damaged' });
  const done = await restoredMachine(root);
  assert.equal((await undo()).restore, done.restore);
  rmSync(join(restores, hurt), { recursive: true });
});
