import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AssociationId, PeerIdText } from '../../../src/common/ids.ts';
import { Home } from '../../../src/node/home/home.ts';
import { openIdentity } from '../../../src/node/identity/identity.ts';
import { openSourceState, withPlace, writeSourceState } from '../../../src/node/roles/source/source-state.ts';

const dir = mkdtempSync(join(tmpdir(), 'resettle-test-'));
after(() => rmSync(dir, { recursive: true, force: true }));
const home = new Home(join(dir, 'home'));
const association = 'ab'.repeat(32) as AssociationId;

async function open(recipients: readonly string[]) {
  const { peerId } = await openIdentity(home);
  return openSourceState(home, association, peerId as PeerIdText, recipients, randomBytes);
}

test('a source goes on with its state and key for as long as nobody is taken from those who can read it', async () => {
  const first = await open(['age1destination', 'age1recovery']);
  writeSourceState(home, association, { ...first, snapshot: 1, descriptor: randomBytes(32) });
  const again = await open(['age1destination', 'age1recovery']);
  assert.deepEqual([again.stateId, Buffer.from(again.key), again.snapshot], [first.stateId, Buffer.from(first.key), 1]);
  const wider = await open(['age1destination', 'age1recovery', 'age1more']);
  assert.equal(wider.stateId, first.stateId);

  const fewer = await open(['age1destination']);
  assert.notEqual(fewer.stateId, first.stateId);
  assert.notDeepEqual(Buffer.from(fewer.key), Buffer.from(first.key));
  assert.equal(fewer.snapshot, 0);
});

test('the last few places that captures went to are remembered, the last one first', async () => {
  const { peerId } = await openIdentity(home);
  let state = await open(['age1destination']);
  for (const digit of ['1', '2', '3', '1', '4', '5']) {
    const { state: next, forgotten } = withPlace(state, { cache: digit.repeat(16), points: [peerId as PeerIdText] });
    assert.deepEqual(
      forgotten.map(({ cache }) => cache[0]),
      digit === '5' ? ['2'] : [],
    );
    state = next;
  }
  writeSourceState(home, association, state);
  const again = await open(['age1destination']);
  assert.deepEqual(
    again.places.map(({ cache }) => cache[0]),
    ['5', '4', '1', '3'],
  );
  assert.deepEqual(again.places[0]!.points, [peerId]);
});

test('the state’s key lies in a file for its owner only, and a damaged one is said to be so', async () => {
  const name = join('states', `${association}.json`);
  assert.equal(statSync(home.path(name)).mode & 0o777, 0o600);
  home.write('{"version":1}', name);
  await assert.rejects(open(['age1destination']), { code: 'damaged' });
});

test('an identity is made once, and a HOME that lost half of it is refused', async () => {
  const first = await openIdentity(home);
  const second = await openIdentity(home);
  assert.equal(second.peerId, first.peerId);
  assert.equal(second.ageRecipient, first.ageRecipient);
  for (const file of ['identity.key', 'age.key']) assert.equal(statSync(home.path(file)).mode & 0o777, 0o600);
  home.remove('age.key');
  await assert.rejects(openIdentity(home), { code: 'failed', message: /age\.key is missing/ });
  const damaged = first.ageIdentity.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q'));
  home.write(damaged, 'age.key');
  await assert.rejects(openIdentity(home), (error: Error) => {
    assert.match(error.message, /age\.key is not an age identity/);
    // Nothing that is logged may hold the key.
    assert.equal(error.cause, undefined);
    return true;
  });
});
