import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import type { PathRule } from '../../src/state/catalogue/compile.ts';
import { RuleWalk } from '../../src/state/catalogue/rule-walk.ts';
import type { RuleFilter } from '../../src/state/plan/rule-filter.ts';
import { runs } from '../support/long.ts';
import { LocalAsker, planOf, receive } from './support/direct-move.ts';
import { captureTree, MemoryPacks, restoreTree, temporaryFolder } from './support/source-machine.ts';

const rule = (id: string, patterns: Partial<PathRule>): PathRule => ({
  id,
  kind: 'general',
  include: [],
  exclude: [],
  never: [],
  ...patterns,
});

/** A folder with homes, captures of it with one stat cache, and what comes back of them. */
class Machine {
  readonly folder: string;
  readonly packs = new MemoryPacks();
  rules: PathRule[] = [];
  homes = ['ann'];
  roots = ['ann'];
  #runs = 0;

  constructor(t: TestContext) {
    this.folder = temporaryFolder(t);
  }

  put(...paths: string[]): void {
    for (const path of paths) {
      const at = join(this.folder, path);
      mkdirSync(dirname(at), { recursive: true });
      writeFileSync(at, path);
    }
  }

  get filter(): RuleFilter {
    const at = (paths: string[]) => paths.map((path) => Buffer.from(join(this.folder, path)));
    return { roots: at(this.roots), homes: at(this.homes), rules: this.rules };
  }

  async capture(given: string[] = []) {
    return await captureTree(
      this.folder,
      given.map((path) => join(this.folder, path)),
      { packs: this.packs, cacheFile: join(this.folder, 'cache.db'), settleMs: 0, filter: this.filter },
    );
  }

  /** Every path that a snapshot gives back, folders with `/` behind them. */
  async restored(captured: { descriptor: Uint8Array }): Promise<string[]> {
    const target = join(this.folder, `target${this.#runs++}`);
    await restoreTree({ descriptor: captured.descriptor, packs: this.packs }, target, { strip: false });
    const top = join(target, this.folder);
    const found: string[] = [];
    const list = (path: string) => {
      for (const name of readdirSync(join(top, path)).sort()) {
        const here = join(path, name);
        const isFolder = statSync(join(top, here)).isDirectory();
        found.push(isFolder ? `${here}/` : here);
        if (isFolder) list(here);
        else assert.equal(readFileSync(join(top, here), 'utf8'), here);
      }
    };
    list('.');
    return found;
  }
}

test('what rules leave out is not taken, is counted by rule, and is nothing to worry about', async (t) => {
  const machine = new Machine(t);
  machine.put(
    'ann/letter',
    'ann/.cache/a/b',
    'ann/.cache/c',
    'ann/src/node_modules/x/y',
    'ann/src/main.ts',
    'ann/x.lock',
  );
  const server = createServer().listen(join(machine.folder, 'ann/s.lock'));
  await new Promise((resolve) => server.once('listening', resolve));
  machine.rules = [
    rule('caches', { exclude: ['~/.cache', '~/**/node_modules'] }),
    rule('locks', { never: ['~/**/*.lock'] }),
  ];
  const captured = await machine.capture();
  server.close();
  assert.deepEqual(await machine.restored(captured), ['ann/', 'ann/letter', 'ann/src/', 'ann/src/main.ts']);
  const { plan } = captured;
  assert.deepEqual([plan.files, plan.folders, plan.skipped.count, plan.excluded.length], [2, 2, 0, 0]);
  assert.deepEqual(
    plan.leftByRules.map(({ rule: id, items, examples }) => [id, items, examples.length]),
    [
      ['caches', 2, 2],
      ['locks', 2, 2],
    ],
  );
});

test('a path that was given by hand is taken whole, inside a root, around it, and as it', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/.cache/keep/a.lock', 'ann/.cache/other', 'ann/.cache/lone', 'ann/b.lock', 'bob/.cache/c');
  machine.rules = [rule('all', { exclude: ['~/.cache'], never: ['~/**/*.lock'] })];
  machine.homes = ['ann', 'bob'];
  machine.roots = ['ann', 'bob'];
  const inside = await machine.capture(['ann/.cache/keep', 'ann/.cache/lone']);
  const kept = ['ann/', 'ann/.cache/', 'ann/.cache/keep/', 'ann/.cache/keep/a.lock', 'ann/.cache/lone'];
  assert.deepEqual(await machine.restored(inside), [...kept, 'bob/']);
  assert.deepEqual(inside.plan.leftByRules, [
    {
      rule: 'all',
      kind: 'general',
      items: 3,
      examples: ['ann/b.lock', 'ann/.cache/other', 'bob/.cache'].map((path) => join(machine.folder, path)),
    },
  ]);
  const asRoot = await machine.capture(['ann']);
  const annWhole = [...kept, 'ann/.cache/other', 'ann/b.lock'];
  assert.deepEqual(await machine.restored(asRoot), [...annWhole, 'bob/'].sort());
  machine.roots = ['ann/.cache'];
  assert.deepEqual(await machine.restored(await machine.capture(['ann'])), annWhole.sort());
});

test('a path that was given by hand has to be there, a root of an area has not', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/letter', 'else');
  symlinkSync('else', join(machine.folder, 'ann/link'));
  machine.roots = ['ann', 'gone', 'none/at/all'];
  const { plan } = await machine.capture();
  assert.deepEqual(
    plan.skipped.items.map(({ path }) => path.slice(machine.folder.length)),
    ['/gone', '/none/at/all'],
  );
  await assert.rejects(machine.capture(['ann/.cache/typo']), { code: 'not-found', message: /typo/ });
  await assert.rejects(machine.capture(['typo']), { code: 'not-found', message: /typo/ });
});

test('a root that a rule leaves out, or one inside another, is as the rules say', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/app/data', 'ann/app/Cache/x', 'ann/key', 'srv/a', 'srv/b/c');
  machine.roots = ['ann', 'ann/app', 'ann/app/Cache', 'ann/key', 'srv'];
  machine.rules = [rule('app', { exclude: ['~/app', '~/**/Cache', `${machine.folder}/srv/b`], never: ['~/key'] })];
  const captured = await machine.capture();
  // Where ~ counts as one name a root that is named by all of its names is plainer.
  assert.deepEqual(await machine.restored(captured), [
    'ann/',
    'ann/app/',
    'ann/app/Cache/',
    'ann/app/Cache/x',
    'ann/app/data',
    'srv/',
    'srv/a',
  ]);
});

test('a folder that a rule leaves out is one item, unless a name in it leads to something that is taken', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/.cache/a/b', 'ann/.cache/c', 'ann/.npm/x', 'ann/.npm/keep/y', 'ann/.npm/keep/z');
  machine.rules = [rule('r', { exclude: ['~/.cache', '~/.npm'], include: ['~/.*/keep/y'] })];
  const captured = await machine.capture();
  assert.deepEqual(await machine.restored(captured), ['ann/', 'ann/.npm/', 'ann/.npm/keep/', 'ann/.npm/keep/y']);
  assert.deepEqual(
    captured.plan.leftByRules[0]?.examples.map((path) => path.slice(machine.folder.length)),
    ['/ann/.cache', '/ann/.npm/x', '/ann/.npm/keep/z'],
  );
});

test('a direct move goes by the rules too', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/letter', 'ann/.cache/a', 'ann/.cache/keep');
  machine.rules = [rule('caches', { exclude: ['~/.cache'] })];
  const sending = await planOf(t, join(machine.folder, 'ann/.cache/keep'), machine.filter);
  assert.equal(sending.plan.files, 2);
  assert.deepEqual(
    sending.plan.leftByRules.map(({ rule: id, items }) => [id, items]),
    [['caches', 1]],
  );
  const target = temporaryFolder(t);
  await receive(sending, new LocalAsker(sending), target, { strip: false });
  assert.deepEqual(readdirSync(join(target, machine.folder, 'ann')).sort(), ['.cache', 'letter']);
  assert.deepEqual(readdirSync(join(target, machine.folder, 'ann/.cache')), ['keep']);
});

test('rules may change between captures: what is left out by now does not come back, what is taken by now is read', async (t) => {
  const machine = new Machine(t);
  machine.put('ann/a', 'ann/b', 'ann/c/d/e', 'ann/c/f', 'ann/g/h');
  const all = ['ann/', 'ann/a', 'ann/b', 'ann/c/', 'ann/c/d/', 'ann/c/d/e', 'ann/c/f', 'ann/g/', 'ann/g/h'];
  const check = async (rules: PathRule[], newFiles: number, without: RegExp) => {
    machine.rules = rules;
    const captured = await machine.capture();
    assert.deepEqual(
      await machine.restored(captured),
      all.filter((path) => !without.test(path)),
    );
    assert.equal(captured.plan.newFiles, newFiles);
    return captured;
  };
  await check([rule('r', { exclude: ['~/b', '~/c/d'] })], 3, /b$|d\//);
  await check([rule('r', { exclude: ['~/b', '~/c/d'] })], 0, /b$|d\//);
  await check([], 2, /none/);
  const again = await check([], 0, /none/);
  await check([rule('r', { exclude: ['~/c', '~/a'] })], 0, /\/a$|c\//);
  await check([rule('r', { exclude: ['~/c'], include: ['~/c/d'] })], 2, /c\/f$/);
  await check([rule('r', { exclude: ['~/g/h'] })], 1, /h$/);
  const last = await check([], 1, /none/);
  assert.deepEqual(last.result.totals, again.result.totals);
});

test('captures under changing rules give back what the rules of each take', async (t) => {
  const name = fc.constantFrom('a', 'b', 'c');
  const pattern = fc.array(fc.oneof({ weight: 3, arbitrary: name }, fc.constantFrom('*', '**')), {
    minLength: 1,
    maxLength: 3,
  });
  const patterns = fc.array(
    pattern.map((names) => `~/${names.join('/')}`),
    { maxLength: 2 },
  );
  const step = fc.record({
    include: patterns,
    exclude: patterns,
    never: fc.oneof(fc.constant<string[]>([]), patterns),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 3 }), async (steps) => {
      const machine = new Machine(t);
      const files = 'abc'.split('').flatMap((x) => [`ann/${x}/a/f`, `ann/${x}/b/c`, `ann/${x}/a/b/a`, `ann/${x}/e`]);
      machine.put(...files);
      for (const patternsOfStep of steps) {
        machine.rules = [rule('r', patternsOfStep)];
        const walk = new RuleWalk(machine.rules, machine.filter);
        const isTaken = (path: string) => walk.at(Buffer.from(join(machine.folder, path))).isTaken;
        const restored = await machine.restored(await machine.capture());
        assert.deepEqual(
          restored.filter((path) => !path.endsWith('/')),
          files.filter(isTaken).sort(),
        );
      }
    }),
    { numRuns: runs(4, 30) },
  );
});
