/** Everything that a restored system has is asked of its own programs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf, PROOFS, type Proof, prove, soundness } from './proofs/index.ts';
import { toldBy } from './support/command-line.ts';
import { baseOf } from './support/debian.ts';
import { livedIn } from './support/lived-in.ts';
import { Scene } from './support/scene.ts';

const scene = new Scene();
const home = scene.home();
const old = livedIn('bookworm');
// Asking changes what is asked: a browser writes, cupsd writes.
const expected = prove(scene.copy(old, 'asked'));
const blank = prove(scene.copy(baseOf('bookworm'), 'blank'));
const captured = scene.capture(home, old);

/** Which proofs a system holds, of those that it has to. */
function failing(root: string, proofs: readonly Proof[]): string[] {
  const found = prove(root, proofs);
  return proofs
    .map(nameOf)
    .filter((name) => found.get(name) !== expected.get(name))
    .map((name) => `${name}\n--- old\n${expected.get(name)}\n--- restored\n${found.get(name)}`);
}

test('every proof tells the system that is lived in from the new one', () => {
  assert.equal(captured.status, 0, toldBy(captured));
  const empty = PROOFS.map(nameOf).filter((name) => expected.get(name) === blank.get(name));
  assert.deepEqual(empty, []);
});

test('a restore onto a new system brings what its own programs show of the old one', (t) => {
  const root = scene.newSystem('new');
  const ran = scene.restore(home, root, '--allow-privileged');
  assert.equal(ran.status, 3, toldBy(ran));
  const proofs = PROOFS.filter(({ onlySame, onlyAsked }) => !onlySame && !onlyAsked);
  assert.deepEqual(failing(root, proofs), []);
  assert.deepEqual(soundness(root), []);
  // What is only brought where it is asked for is not there, and is told.
  const asked = PROOFS.filter(({ onlyAsked }) => onlyAsked);
  assert.equal(failing(root, asked).length, asked.length);
  assert.ok(
    ran.events.some(({ event, area, action }) => event === 'area-item' && area === 'security' && action === 'withhold'),
  );
  t.diagnostic(`${proofs.length} of ${proofs.length} proofs hold`);
});

test('with every area named, and as the same machine, nothing is missing', (t) => {
  const root = scene.newSystem('same');
  const ran = scene.restore(home, root, '--allow-privileged', '--areas', 'all', '--identity', 'same');
  assert.equal(ran.status, 3, toldBy(ran));
  assert.deepEqual(failing(root, PROOFS), []);
  assert.deepEqual(soundness(root), []);
  t.diagnostic(`${PROOFS.length} of ${PROOFS.length} proofs hold`);
});
