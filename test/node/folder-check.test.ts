import assert from 'node:assert/strict';
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { withService } from '../../src/api/connect.ts';
import type { ApiEvent, Method, RequestOf } from '../../src/api/contract.ts';
import { compareTrees } from '../support/compare-trees.ts';
import { bytesBelow, makeBulk } from '../support/trees.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-folder-'));
const home = join(dir, 'home');
const tree = join(dir, 'tree');
let peerId = '';

type Done = Readonly<Record<string, unknown>>;

function call<M extends Method>(method: M, request: RequestOf<M>, events: ApiEvent[] = []): Promise<Done> {
  const { signal } = new AbortController();
  return withService(home, (service) => service.call(method, request, (event) => events.push(event), signal));
}

before(async () => {
  makeBulk(tree, 40);
  peerId = String((await call('fleetInit', { name: 'office' })).peerId);
});
after(() => rmSync(dir, { recursive: true, force: true }));

const capture = (store: string, events?: ApiEvent[]): Promise<Done> =>
  call('captureFolder', { paths: [tree], dir: store, for: peerId }, events);

/** Packs of content and of the manifest, in the order of their size. */
const packsIn = (store: string): string[] =>
  globSync(join(store, 'states', '*', 'packs', '*', '*')).sort((a, b) => bytesOf(a) - bytesOf(b));
const bytesOf = (path: string): number => readFileSync(path).length;

async function restores(store: string, into: string, snapshot: number): Promise<void> {
  const asked = { dir: store, into, strip: true, root: false, allowPrivileged: false, mapUsers: [], dryRun: false };
  await call('restoreFolder', { ...asked, snapshot });
  assert.deepEqual(compareTrees(tree, into).differences, []);
}

const HURT = {
  'of content, with a bit that flipped,': (packs: string[]) => flip(packs.at(-1)!),
  'of the manifest, with a bit that flipped,': (packs: string[]) => flip(packs[0]!),
  'that was cut,': (packs: string[]) => {
    truncateSync(packs.at(-1)!, 1000);
    return packs.at(-1)!;
  },
};

function flip(path: string): string {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
  return path;
}

for (const [what, hurt] of Object.entries(HURT)) {
  test(`a pack ${what} is not referred to: the next capture seals its content anew, and names it`, async () => {
    const store = mkdtempSync(join(dir, 'store-'));
    await capture(store);
    const path = hurt(packsIn(store));
    const events: ApiEvent[] = [];
    const done = await capture(store, events);
    const told = events.flatMap(({ event, message }) => (event === 'note' ? [String(message)] : []));
    assert.ok(
      told.some((one) => one.includes(basename(path)) && /snapshots? 1\b/.test(one)),
      told.join('\n'),
    );
    assert.deepEqual([done.snapshot, done.damagedPacks], [2, 1]);
    await restores(store, mkdtempSync(join(dir, 'restored-')), 2);
    assert.equal((await capture(store)).damagedPacks, 0, 'what refers to it is told once');
    rmSync(store, { recursive: true });
  });
}

test('what is whole is read again, and told; nothing of it is written', async () => {
  const store = join(dir, 'whole');
  assert.equal((await capture(store)).checkedBytes, 0);
  const bytes = bytesBelow(join(store, 'states'));
  const events: ApiEvent[] = [];
  mkdirSync(join(tree, 'more'), { recursive: true });
  writeFileSync(join(tree, 'more', 'file'), 'more');
  const done = await capture(store, events);
  assert.ok(Number(done.checkedBytes) > 0.9 * bytes && Number(done.newBytes) < 100_000, JSON.stringify(done));
  assert.ok(
    events.some(({ event, phase, bytes: read }) => event === 'progress' && phase === 'check' && Number(read) > 0),
  );
  await restores(store, join(dir, 'restored'), 2);
});
