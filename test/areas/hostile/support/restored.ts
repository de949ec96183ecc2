import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../../src/common/clock.ts';
import type { TaskEvent } from '../../../../src/node/events.ts';
import { Home } from '../../../../src/node/home/home.ts';
import type { Applied, RestoreWish } from '../../../../src/node/roles/destination/apply.ts';
import { applyBy, openedSnapshot } from '../../../../src/node/roles/destination/apply.ts';
import { LocalSystem } from '../../../../src/state/areas/base/local-system.ts';
import { restoreSnapshot } from '../../../../src/state/restore/index.ts';
import { type Captured, identity, temporaryFolder } from '../../../state/support/source-machine.ts';
import { putFile, type TestFile } from '../../support/machine.ts';
import { treeOf } from '../../transaction/support/tree.ts';
import type { Ending } from './forged.ts';

export interface Way {
  readonly allowPrivileged: boolean;
  readonly identity: 'same' | 'new';
}

/** Every way in which a restore takes a snapshot's word. */
export const WAYS: readonly Way[] = [
  { allowPrivileged: false, identity: 'new' },
  { allowPrivileged: false, identity: 'same' },
  { allowPrivileged: true, identity: 'new' },
  { allowPrivileged: true, identity: 'same' },
];

export interface Item {
  readonly area: string;
  readonly item: string;
  readonly title: string;
  readonly action: string;
  readonly detail: string;
  readonly effect: string | null;
  readonly paths: readonly string[];
  readonly difference: readonly string[];
}

export interface Outcome {
  readonly way: Way;
  readonly system: LocalSystem;
  readonly applied: Applied | undefined;
  readonly error: unknown;
  readonly items: readonly Item[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  /** Everything that was told. */
  readonly events: readonly TaskEvent[];
  /** Paths of the root that are other than before; folders only in their own right. */
  readonly changed: readonly string[];
  /** Paths that the plan named. */
  readonly names: readonly string[];
  item(id: string): Item;
}

export interface More {
  /** Called with the root while it is empty. */
  readonly mount?: (root: string) => void;
  /** Called with the root before anything is restored. */
  readonly dress?: (root: string) => void;
  /** Paths that a dry run of the same named; without it there is one. */
  readonly names?: readonly string[] | undefined;
}

/** The same in every way; the plan of files does not depend on the identity. */
export async function restoreEveryWay(
  t: Ending,
  snapshot: Captured,
  target: Readonly<Record<string, TestFile>>,
  more: Partial<RestoreWish> & More = {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const way of WAYS) {
    const before = outcomes.find((one) => one.way.allowPrivileged === way.allowPrivileged);
    outcomes.push(await restoreOnto(t, snapshot, target, way, { ...more, names: before?.names }));
  }
  return outcomes;
}

let count = 0;

/**
 * Restores onto a folder that is a machine's root, by the way that every restore goes. Nothing outside of that root may
 * change, and nothing in it that a dry run of the same did not name.
 */
export async function restoreOnto(
  t: Ending,
  snapshot: Captured,
  target: Readonly<Record<string, TestFile>>,
  way: Way,
  more: Partial<RestoreWish> & More = {},
): Promise<Outcome> {
  const { mount, dress, names, ...wished } = more;
  const top = temporaryFolder(t);
  const root = join(top, 'root');
  for (const folder of [root, join(top, 'home')]) mkdirSync(folder, { mode: 0o700 });
  mount?.(root);
  for (const [path, file] of Object.entries({ ...SENTINEL, ...target })) {
    putFile(path.startsWith('../') ? join(top, 'beside') : root, path.replace(/^\.\.\//, ''), file);
  }
  dress?.(root);
  const home = new Home(join(top, 'home'));
  const wish: RestoreWish = { into: root, strip: false, root: true, mapUsers: [], dryRun: false, ...way, ...wished };
  const before = treeOf(root);
  const beside = treeOf(join(top, 'beside'));
  const planned = names ? undefined : await run(snapshot, home, { ...wish, dryRun: true });
  assert.deepEqual(differing(before, treeOf(root)), [], 'a dry run changes nothing');
  const made = planned && wished.dryRun ? planned : await run(snapshot, home, wish);
  const changed = differing(before, treeOf(root));
  assert.deepEqual([...treeOf(join(top, 'beside'))], [...beside], 'nothing beside the root is touched');
  const named = new Set([...(names ?? []), ...(planned ?? made).events.flatMap(pathsOf)]);
  for (const path of changed) {
    const isNamed = [...named].some((one) => path === one || one.startsWith(`${path}/`));
    assert.ok(isNamed, `${path} was changed, and no plan named it`);
  }
  assertSound(new LocalSystem(root), before);
  const items = made.events.filter(({ event }) => event === 'area-item') as unknown as Item[];
  return {
    ...made,
    way,
    system: new LocalSystem(root),
    items,
    skipped: made.events.filter(({ event }) => event === 'skipped') as never,
    changed,
    names: [...named],
    item: (id) => {
      const found = items.filter(({ item }) => item === id);
      assert.equal(found.length, 1, `${id} among ${items.map(({ item }) => item).join(', ')}`);
      return found[0]!;
    },
  };
}

/** What nobody may touch. */
const SENTINEL: Readonly<Record<string, TestFile>> = {
  '../etc/passwd': 'root:x:0:0::/root:/bin/sh\n',
  '../etc/cron.d/own': '# own\n',
  '../own': { content: 'own\n', mode: 0o600 },
};

async function run(snapshot: Captured, home: Home, wish: RestoreWish) {
  const events: TaskEvent[] = [];
  const subject = {
    descriptor: snapshot.descriptor,
    stateKey: identity.stateKey,
    expected: { stateId: identity.stateId, source: identity.source, association: undefined },
    source: snapshot.packs,
  };
  const { signal } = new AbortController();
  const ground = { home, clock: systemClock };
  try {
    const applied = await applyBy(
      (asked, on) => restoreSnapshot({ ...subject, ...asked }, on),
      ground,
      {
        restoreId: `hostile-${count++}`,
        open: () => openedSnapshot(snapshot.descriptor, identity.stateKey),
      },
      wish,
      (event) => events.push(event),
      signal,
    );
    return { applied, error: undefined, events };
  } catch (error) {
    return { applied: undefined, error, events };
  }
}

/** Paths that an event of a plan names. */
function pathsOf(event: TaskEvent): string[] {
  if (event.event === 'item') return [`/${event.path}`];
  return event.event === 'area-item' ? [...event.paths] : [];
}

function differing(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => inItself(before.get(path)) !== inItself(after.get(path))).sort();
}

/** A folder's time is that of what lies in it. */
const inItself = (line: string | undefined): string | undefined =>
  line?.startsWith('4') ? line.replace(/^(\S+ \S+ \S+) \S+/, '$1') : line;

/** What holds of every restore, whatever was allowed: nobody becomes root, and no line holds two. */
function assertSound(system: LocalSystem, before: ReadonlyMap<string, string>): void {
  const lines = (path: string) => (system.text(path) ?? '').split('\n').filter((line) => line !== '');
  const roots = lines('/etc/passwd').filter((line) => /^[^:]*:[^:]*:0*:/.test(line) || line.split(':')[2] === '0');
  const fresh = (path: string) => !before.has(path);
  if (system.facts('/etc/passwd')) assert.deepEqual(roots, ['root:x:0:0:root:/root:/bin/bash']);
  for (const [path, fields] of Object.entries({ passwd: 7, shadow: 9, group: 4, gshadow: 4, subuid: 3, subgid: 3 })) {
    for (const line of lines(`/etc/${path}`)) {
      assert.equal(line.split(':').length, fields, `${path}: ${JSON.stringify(line)}`);
      assert.doesNotMatch(line, /\p{Cc}/u);
    }
  }
  const uids = lines('/etc/passwd').map((line) => line.split(':')[2]);
  assert.equal(new Set(uids).size, uids.length, 'each id once');
  for (const [path, line] of treeOf(system.root)) {
    const isSetuid = /^10[4-7]/.test(line.split(' ')[0]!) && (Number.parseInt(line, 8) & 0o6000) !== 0;
    if (fresh(path) && /^\/home\//.test(path)) assert.ok(!isSetuid, `${path} is setuid`);
    if (fresh(path)) assert.ok(!/^[26]\d{3,5} /.test(line) || !/^\/home\//.test(path), `${path} is a device`);
  }
}
