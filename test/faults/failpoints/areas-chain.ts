/** Areas and files of a machine, onto the root of another one, and back: killed at every point on the way. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Failpoint } from '../../../src/common/failpoint.ts';
import { resettle } from '../../support/agents.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import { makeMachine, put } from '../../support/small-machine.ts';
import type { Ledger } from './ledger.ts';

/** Of each of these nothing but the machine as it was is left, once the next run begins. */
const APPLY: readonly Failpoint[] = [
  'areas.plan-written',
  'areas.file-written',
  'areas.file-renamed',
  'areas.staged',
  'areas.intent-noted',
  'areas.step-prepared',
  'areas.step-noted',
  'areas.step-done',
  'areas.phase-synced',
  'areas.phase-noted',
  'areas.committing',
];
/** It is whole: the same command begins a restore of its own. */
const APPLIED: readonly Failpoint[] = ['areas.applied'];
const UNDO: readonly Failpoint[] = [
  'areas.step-put-back',
  'areas.phase-put-back',
  'areas.put-back',
  'areas.put-back-noted',
];

export const AREAS_POINTS = [APPLY, APPLIED, UNDO].flat();

export async function areasChain(ledger: Ledger): Promise<void> {
  const { dir } = ledger.run;
  const home = ['--home', join(dir, 'areas-home')];
  const [old, root, store] = [join(dir, 'old'), join(dir, 'new'), join(dir, 'areas-store')];
  makeMachine(old, 'oldbox', [{ name: 'ann', id: 1000 }]);
  put(old, '/home/ann/docs/thesis.txt', { content: 'all of it', uid: 1000, gid: 1000 });
  put(old, '/etc/cron.d/nightly', '0 3 * * * root /usr/local/bin/nightly\n');
  makeMachine(root, 'newbox', [{ name: 'zoe', id: 1000 }]);
  const before = join(dir, 'new-before');
  execFileSync('cp', ['-a', root, before]);
  const { peerId } = await resettle(['fleet', 'init', '--name', 'faults', ...home]);
  const capture = ['capture', '--areas', 'all', '--root', old, '--store', store, '--for', String(peerId), ...home];
  await resettle(capture, { mayLeaveOut: true });
  const restore = ['restore', '--store', store, '--root', root, '--allow-privileged', '--yes', ...home];
  const done = await ledger.chain(restore, [...APPLY, ...APPLIED]);
  assert.ok(done.status === 0 || done.status === 3, done.stdout);
  assert.equal(readFileSync(join(root, 'home/ann/docs/thesis.txt'), 'utf8'), 'all of it');
  assert.match(readFileSync(join(root, 'etc/passwd'), 'utf8'), /^ann:/m);
  await ledger.undoAll(home, UNDO);
  // Of the first of two, areas went back before files did: a folder of both may keep the time in between.
  const differences = compareTrees(before, root).differences.filter((one) => !/ has mtime /.test(one));
  assert.deepEqual(differences, [], 'undone');
}
