/** Whatever is broken after a restore, the checklist sees it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { BREAKS } from './support/breaks.ts';
import { inNamespaces } from './support/chroot.ts';
import { toldBy } from './support/command-line.ts';
import { livedIn } from './support/lived-in.ts';
import { Scene } from './support/scene.ts';

const scene = new Scene();
const home = scene.home();
const captured = scene.capture(home, livedIn('bookworm'));
const root = scene.newSystem('new');
const restored = scene.restore(home, root, '--allow-privileged', '--areas', 'all', '--identity', 'same');
const kept = join(scene.folder, 'kept.tar');

/** Everything that a break may touch; /usr but for /usr/local is never touched. */
const PLACES = ['etc', 'home', 'opt', 'usr/local', 'var/mail', 'var/spool'];
const tar = (...args: readonly string[]): void => {
  const { status, stderr } = spawnSync('tar', ['--acls', '--xattrs', '--numeric-owner', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
};

interface Look {
  readonly status: number | null;
  readonly failed: ReadonlySet<string>;
  readonly person: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

function look(): Look {
  const { status, events, stderr } = home.run('checklist', '--all');
  const items = events.filter(({ event }) => event === 'check');
  assert.ok(items.length > 0, stderr);
  const shown = (id: unknown): string => String(id).replace(root, 'ROOT');
  const having = (verdict: string): Set<string> =>
    new Set(items.filter((item) => item.verdict === verdict).map(({ group, id }) => `${group}: ${shown(id)}`));
  return {
    status,
    failed: having('failed'),
    person: having('person'),
    groups: new Set(items.map(({ group }) => String(group))),
  };
}

function putBack(): void {
  for (const place of PLACES) spawnSync('find', [place, '-mindepth', '1', '-delete'], { cwd: root });
  tar('-xpf', kept);
}

test('after a restore nothing is red, and every group can be broken', () => {
  assert.equal(captured.status, 0, toldBy(captured));
  assert.equal(restored.status, 3, toldBy(restored));
  tar('-cpf', kept, ...PLACES);
  const { status, failed, groups } = look();
  assert.equal(status, 3);
  assert.deepEqual([...failed], []);
  const broken = new Set(BREAKS.map(({ group }) => group));
  // Only a machine that runs shows its adapters (running.system.ts); other applications are looked at as those are that are broken here.
  const left = [...groups].filter((group) => !broken.has(group) && !group.startsWith('application '));
  assert.deepEqual(left, ['media connection', 'network']);
  const red = new Set(BREAKS.filter(({ verdict }) => verdict === 'failed').map(({ group }) => group));
  assert.deepEqual(
    [...broken].filter((group) => !red.has(group)),
    [],
  );
});

for (const { group, item, what, script, verdict } of BREAKS) {
  test(`${group}: ${what} (${item}) ${verdict === 'failed' ? 'turns it red' : 'needs a person'}`, () => {
    inNamespaces(root, script);
    try {
      const looked = look();
      const found = looked[verdict];
      assert.ok(found.has(`${group}: ${item}`), `${verdict}: ${[...found].join(', ') || 'nothing'}`);
      assert.equal(looked.status, verdict === 'failed' ? 1 : 3);
    } finally {
      putBack();
    }
  });
}

test('when all is put back, nothing is red any more', () => {
  const { status, failed } = look();
  assert.deepEqual([...failed], []);
  assert.equal(status, 3);
});
