import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LocalSystem } from '../../../src/state/areas/base/local-system.ts';
import type { ToolResult } from '../../../src/state/areas/base/system.ts';
import { readAreasOutcome } from '../../../src/state/areas/transaction/outcome.ts';
import type { AreasParts, LinkGuard } from '../../../src/state/areas/transaction/parts.ts';
import { PHASES } from '../../../src/state/areas/transaction/steps.ts';
import { takeBackLocked } from '../../../src/state/areas/transaction/take-back.ts';
import { items } from './support/fake-areas.ts';
import { Scene, type SceneOptions } from './support/scene.ts';
import { differingPaths, treeOf } from './support/tree.ts';

/** Says that it is the running machine; notes what is run, and runs nothing. */
class RecordedSystem extends LocalSystem {
  override readonly isLive = true;
  readonly #ran: string[];
  readonly #active: Set<string>;

  constructor(root: string, ran: string[], active: Set<string>) {
    super(root);
    this.#ran = ran;
    this.#active = active;
  }

  override run(tool: string, args: readonly string[]): ToolResult {
    const [verb, ...units] = args;
    const isActive = this.#active.has(units.at(-1)!);
    if (verb !== 'is-active') this.#ran.push([tool, ...args].join(' '));
    for (const unit of units) {
      if (verb === 'stop') this.#active.delete(unit);
      if (verb === 'start') this.#active.add(unit);
    }
    return { status: verb !== 'is-active' || isActive ? 0 : 3, stdout: '', stderr: '' };
  }
}

interface Live {
  readonly scene: Scene;
  readonly ran: string[];
  readonly active: Set<string>;
  readonly parts: AreasParts;
}

function liveScene(
  t: TestContext,
  guard?: (rollBack: () => Promise<void>) => LinkGuard,
  options: Partial<SceneOptions> = {},
): Live {
  const ran: string[] = [];
  const active = new Set(['cups.service', 'cups.path']);
  const woken = (name: string) => (_: unknown, changed: ReadonlySet<string>) => {
    ran.push(`${name}: ${[...changed].join(' ')}`);
    return [];
  };
  const scene = new Scene(t, {
    files: { '/etc/printers': 'old\n', '/etc/net': 'old\n' },
    documents: {
      network: items({ kind: 'file', path: '/etc/net', text: 'new\n' }),
      services: items({ kind: 'file', path: '/etc/unit', text: 'new\n' }),
      printers: items({ kind: 'file', path: '/etc/printers', text: 'new\n' }),
      hostname: items({ kind: 'file', path: '/etc/hostname', text: 'new\n' }),
    },
    behaviours: {
      network: { activate: woken('network') },
      services: { activate: woken('services') },
      printers: { stops: ['cups.service', 'cups.socket', 'cups.path'], activate: woken('printers') },
      hostname: { activate: woken('hostname') },
    },
    ...options,
  });
  mkdirSync(join(scene.root, 'etc'), { recursive: true });
  const parts: AreasParts = {
    ...scene.parts,
    systemAt: (root) => new RecordedSystem(root, ran, active),
    ...(guard && {
      armGuard: async ({ rollBack }) => {
        ran.push('guard armed');
        return guard(rollBack);
      },
    }),
  };
  return { scene, ran, active, parts };
}

const NOTICE = ['network: /etc/net', 'services: /etc/unit', 'printers: /etc/printers', 'hostname: /etc/hostname'];

test('units that run are stopped meanwhile, and areas are taken notice of in order, hostname last', async (t) => {
  const { scene, ran, active, parts } = liveScene(t);
  const result = await scene.restore(parts);
  assert.deepEqual(result.notWoken, []);
  assert.deepEqual(ran, ['systemctl stop cups.service cups.path', 'systemctl start cups.service cups.path', ...NOTICE]);
  ran.length = 0;
  takeBackLocked(parts, scene.undoDir, PHASES);
  assert.deepEqual(ran, ['systemctl stop cups.service cups.path', 'systemctl start cups.service cups.path', ...NOTICE]);
  assert.deepEqual([...active], ['cups.service', 'cups.path']);
});

test('a machine that is a folder is not woken, and no unit of this one is touched', async (t) => {
  const { scene, ran, parts } = liveScene(t);
  await scene.restore({ ...parts, systemAt: (root) => new LocalSystem(root) });
  assert.deepEqual(ran, []);
});

test('units are started again after an error, and by the next run after a crash', async (t) => {
  const { scene, ran, active, parts } = liveScene(t);
  const failing = (point: string) => {
    if (point === 'after: done') throw new Error('an error of the test');
  };
  await assert.rejects(scene.restore({ ...parts, onPoint: failing }), /an error of the test/);
  assert.deepEqual(ran, ['systemctl stop cups.service cups.path', 'systemctl start cups.service cups.path']);
  // The next run does its work where this one stands still.
  const crashing = (point: string) => {
    if (point !== 'after: done') return;
    assert.deepEqual([...active], []);
    takeBackLocked(parts, scene.undoDir, 'unfinished');
    assert.deepEqual([...active], ['cups.service', 'cups.path']);
    throw new Error('a crash of the test');
  };
  await assert.rejects(scene.restore({ ...parts, onPoint: crashing }), /a crash of the test/);
});

test('what a machine does not take notice of is told, and nothing is taken back for it', async (t) => {
  const failing = { activate: () => [{ what: 'cups.service', why: 'it did not start' }] };
  const crashing = {
    activate: () => {
      throw new Error('crashed');
    },
  };
  const { scene, parts } = liveScene(t, undefined, { behaviours: { printers: failing, services: crashing } });
  const { notWoken, applied, failed } = await scene.restore(parts);
  assert.deepEqual(
    notWoken.map(({ area, problems }) => `${area}: ${problems[0]!.why}`),
    ['services: crashed', 'printers: it did not start'],
  );
  assert.deepEqual([applied.length, failed], [4, []]);
});

for (const byItself of [true, false])
  test(`where the link is lost, network and hostname are taken back and noticed again, once${byItself ? ', by the guard' : ''}; the rest stays`, async (t) => {
    const said: string[] = [];
    const guard = (rollBack: () => Promise<void>): LinkGuard => ({
      confirm: async () => {
        said.push('asked');
        if (byItself) await rollBack();
        return 'lost';
      },
      disarm: () => said.push('disarmed'),
    });
    const { scene, ran, parts } = liveScene(t, guard);
    const before = treeOf(scene.root);
    const result = await scene.restore(parts);
    assert.equal(result.isLinkLost, true);
    assert.deepEqual(result.applied, ['services', 'printers']);
    assert.deepEqual(
      result.failed.map(({ area, problems }) => `${area}: ${problems[0]!.why}`),
      ['network', 'hostname'].map((area) => `${area}: this machine could not be reached any more`),
    );
    assert.deepEqual(said, ['asked']);
    const restarted = 'systemctl start cups.service cups.path';
    assert.deepEqual(ran.slice(ran.indexOf('guard armed')), [
      'guard armed',
      restarted,
      ...NOTICE,
      NOTICE[0],
      NOTICE[3],
    ]);
    assert.equal(readFileSync(join(scene.root, 'etc/net'), 'utf8'), 'old\n');
    assert.equal(existsSync(join(scene.root, 'etc/hostname')), false);
    takeBackLocked(parts, scene.undoDir, PHASES);
    assert.deepEqual(
      differingPaths(before, treeOf(scene.root)),
      ['/etc/.pwd.lock'].filter((path) => existsSync(join(scene.root, path))),
    );
  });

test('where the link stays, everything is kept; where asking fails, everything is put back and noticed', async (t) => {
  const kept = liveScene(t, () => ({ confirm: async () => 'kept', disarm: () => {} }));
  assert.equal((await kept.scene.restore(kept.parts)).isLinkLost, false);
  const broken = liveScene(t, () => ({
    confirm: async () => {
      throw new Error('the guard fails');
    },
    disarm: () => {},
  }));
  const before = treeOf(broken.scene.root);
  await assert.rejects(broken.scene.restore(broken.parts), /the guard fails/);
  assert.deepEqual(differingPaths(before, treeOf(broken.scene.root)), []);
  assert.equal(readAreasOutcome(broken.scene.undoDir)?.status, 'rolled-back');
  assert.deepEqual(broken.ran.slice(-4), NOTICE);
});

test('a guard that was not asked, since waking was cut short, is disarmed when everything was put back', async (t) => {
  const { scene, ran, parts } = liveScene(t, () => ({
    confirm: () => Promise.reject(new Error('it is not asked')),
    disarm: () => ran.push(`disarmed, ${readAreasOutcome(scene.undoDir)?.status}`),
  }));
  const onPoint = (point: string) => {
    if (point === 'woken') throw new Error('an error of the test');
  };
  await assert.rejects(scene.restore({ ...parts, onPoint }), /an error of the test/);
  assert.equal(ran.at(-1), 'disarmed, rolled-back');
});

test('where nobody can watch, network and hostname are taken back and not noticed', async (t) => {
  const { scene, ran, parts } = liveScene(t);
  const armGuard = () => Promise.reject(new Error('no watchdog can be started'));
  const { applied, failed, isLinkLost } = await scene.restore({ ...parts, armGuard });
  assert.deepEqual([applied, isLinkLost], [['services', 'printers'], false]);
  assert.match(failed[0]!.problems[0]!.why, /nobody could watch .*: no watchdog can be started/);
  assert.deepEqual(ran.slice(2), NOTICE.slice(1, 3));
});
