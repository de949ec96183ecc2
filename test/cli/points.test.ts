import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Event } from '../support/agents.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { Scene } from '../support/scene.ts';
import { makeBulk, makeHome } from '../support/trees.ts';

const POINTS = ['red', 'green', 'blue'];
/** Short enough to be seen; they are the same code with other numbers. */
const POINT_OPTIONS = ['--scrub-every', '2s', '--lost-after', '8s'];

/** A holder is lost after 8 s, then a copy is made; with every core busy that takes its time. */
const WAIT_MAX_MS = 90_000;

const scene = new Scene();
const tree = scene.path('tree');
let captured: Event;
/** The points that were killed, and the one that took their place. */
let dead: string[] = [];
let left = '';

async function eventually<T>(
  what: string,
  ask: () => T | undefined | Promise<T | undefined>,
  waitMaxMs = WAIT_MAX_MS,
): Promise<T> {
  const until = performance.now() + waitMaxMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > until) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, 250));
  }
}

interface Held {
  readonly state: string;
  readonly complete: boolean;
  readonly missingPacks: number;
  readonly acknowledged: boolean;
  readonly scrub: { readonly agoMs: number | null; readonly bad: number } | null;
  readonly copies: { readonly known: number; readonly wanted: number } | null;
}

async function heldAt(name: string): Promise<Held | undefined> {
  // 3: a migration is not complete yet.
  const { status, last } = await scene.run(name, ['status']);
  assert.ok(status === 0 || status === 3);
  return (last.held as Held[]).find(({ state }) => state === captured.state);
}

const stateDir = (name: string): string => join(scene.storeOf(name), 'states', String(captured.state));

function packsOf(name: string): string[] {
  const packs = join(stateDir(name), 'packs');
  return readdirSync(packs, { recursive: true })
    .map((path) => join(packs, String(path)))
    .filter((path) => /[0-9a-f]{64}$/.test(path))
    .sort();
}

/** What a busy machine needs for it: two that could not compare their records do so again after a minute. */
const DELETED_MAX_MS = 150_000;

/** The points of those running that have a whole copy. */
async function whole(names: readonly string[]): Promise<string[]> {
  const found = [];
  for (const name of names) if ((await heldAt(name))?.complete) found.push(name);
  return found;
}

const copiesCome = (names: readonly string[], count: number): Promise<string[]> =>
  eventually(`${count} of ${names.join(', ')} have a copy`, async () => {
    const found = await whole(names);
    return found.length >= count ? found : undefined;
  });

before(async () => {
  makeHome(makeBulk(tree, 40));
  await Promise.all([
    scene.agent('desk'),
    scene.agent('laptop'),
    ...POINTS.map((name) => scene.point(name, POINT_OPTIONS)),
    scene.point('far', ['--subnet', '10.99.0.0/16', '--subnet', 'fd99::/16']),
  ]);
  await scene.fleet('desk', ['laptop', ...POINTS, 'far']);
  await scene.done('laptop', ['associate', 'laptop', 'desk', '--paths', tree, '--replicas', '2', '--keep', '0']);
});
after(() => scene.end());

test('a point that serves other subnets only is named with that, and holds nothing', async () => {
  const { message } = await scene.fails('desk', ['capture', tree, '--for', 'laptop', '--points', 'far'], 5, 'no-point');
  assert.match(message, /far .*serves only 10\.99\.0\.0\/16, fd99::\/16/);
});

test('what was captured to one point is soon on two, and which they are is known to everybody', async () => {
  captured = await scene.done('laptop', ['capture', tree, '--for', 'desk']);
  const names = await copiesCome(POINTS, 2);
  assert.equal(names.length, 2);
  for (const name of names) {
    await eventually(`${name} counts two`, async () => {
      const copies = (await heldAt(name))?.copies;
      return (copies?.known === 2 && copies.wanted === 2) || undefined;
    });
  }
  assert.deepEqual(
    packsOf(names[0]!).map((path) => path.slice(-64)),
    packsOf(names[1]!).map((path) => path.slice(-64)),
  );
  assert.ok(!existsSync(stateDir('far')));
});

test('a pack that is damaged on a disk is found by the scrub and fetched again from the other copy', async () => {
  const [name] = (await whole(POINTS)) as [string];
  const [path] = packsOf(name) as [string];
  const good = readFileSync(path);
  const bad = Buffer.from(good);
  bad[bad.length >> 1]! ^= 0x10;
  writeFileSync(path, bad);
  await eventually('the pack is good again', () => (existsSync(path) && readFileSync(path).equals(good)) || undefined);
  await eventually('and known to be', async () => {
    const held = await heldAt(name);
    return (held?.complete && held.missingPacks === 0 && held.scrub?.bad === 0) || undefined;
  });
  assert.match(scene.running(name).command.stderr, /packs were fetched again from another holder/);
});

test('a point that dies is replaced by a third; when the next one dies too, the state is restored from what is left', async () => {
  const [first, second] = (await whole(POINTS)) as [string, string];
  const third = POINTS.find((name) => name !== first && name !== second)!;
  await scene.stop(first, 'SIGKILL');
  await copiesCome([third], 1);
  await scene.stop(second, 'SIGKILL');
  const into = scene.path('restored');
  const done = await scene.done('desk', ['restore', '--from', 'laptop', '--into', into, '--strip']);
  assert.equal(done.state, captured.state);
  assert.deepEqual(compareTrees(tree, into).differences, []);
  [dead, left] = [[first, second], third];
});

test('the destination has acknowledged it, and it was to be kept no longer than that: each point deletes its copy', async () => {
  const third = left;
  const [first, second] = dead as [string, string];
  const deletedAt = (name: string) =>
    eventually(`${name} has deleted it`, async () => (await heldAt(name)) === undefined || undefined, DELETED_MAX_MS);
  await deletedAt(third);
  assert.ok(!existsSync(stateDir(third)));
  await Promise.all([scene.point(first, POINT_OPTIONS), scene.point(second, POINT_OPTIONS)]);
  for (const name of [first, second]) {
    await deletedAt(name);
    assert.ok(!existsSync(stateDir(name)));
  }
  assert.match(scene.running(third).command.stderr, /"phase":"deleted"/);
});

test('options of a point that make no sense are usage errors', async () => {
  for (const [args, message] of [
    [['--subnet', '10.0.0.0/8'], /goes with --point/],
    [['--point', scene.path('x'), '--subnet', '10.0.0.0'], /not a subnet/],
    [['--point', scene.path('x'), '--scrub-every', 'often'], /not a duration/],
    [['--point', scene.path('x'), '--lost-after', '0s'], /not a duration/],
  ] as const) {
    const { message: told } = await scene.fails('nobody', ['agent', '--interface', 'lo', ...args], 2, 'usage');
    assert.match(told, message);
  }
});
