import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { StateId } from '../../../src/common/ids.ts';
import { hasReached, summarise } from '../../../src/node/migrations/summary.ts';
import {
  type Association,
  associationIdOf,
  type EventBody,
  plainAssociation,
  plainEvent,
} from '../../../src/state/records/index.ts';
import {
  type Fleet,
  fleetOf,
  invite,
  join,
  type Machine,
  machine,
  memberBody,
  START,
  sync,
} from '../../records/machines.ts';

let fleet: Fleet;
let old: Machine;
let next: Machine;
let nas: Machine;
let attic: Machine;
let cellar: Machine;
let association: Association;

const STATE = 'ab'.repeat(32) as StateId;
const HASH = 'cd'.repeat(32);

before(async () => {
  fleet = await fleetOf('office');
  const machines: Machine[] = [];
  for (const name of ['old', 'new', 'nas', 'attic', 'cellar']) {
    const each = await machine(name);
    await join(each, fleet.operator, await invite(fleet.operator));
    machines.push(each);
  }
  [old, next, nas, attic, cellar] = machines as [Machine, Machine, Machine, Machine, Machine];
  await nas.log.append(memberBody(nas, { point: true, machine: '01'.repeat(16) }));
  await attic.log.append(memberBody(attic, { point: true, machine: '02'.repeat(16) }));
  // In the same cupboard as the attic's, says its record.
  await cellar.log.append(memberBody(cellar, { point: true, machine: '02'.repeat(16) }));
  const record = await old.log.append({
    ...plainAssociation({ source: old.peerId, destination: next.peerId, mode: 'side-by-side', nonce: '00'.repeat(16) }),
    replicas: 2,
  });
  for (const each of [...machines, ...machines]) await sync(each, fleet.operator);
  association = fleet.operator.log.association(associationIdOf(record.hash))!;
});

function event(step: EventBody['step'], phase: EventBody['phase'], more: Partial<EventBody> = {}): EventBody {
  return plainEvent({
    association: association.id,
    state: STATE,
    step,
    phase,
    snapshot: 1,
    descriptorHash: HASH,
    bytes: 1000,
    totalBytes: 1000,
    ...more,
  });
}

/** What the operator's machine says after these were signed and had spread. */
async function told(...said: readonly [Machine, EventBody][]) {
  for (const [who, body] of said) await who.log.append(body);
  for (const [who] of said) await sync(who, fleet.operator);
  return now(START + 1000);
}

function now(clockMs: number) {
  const { log } = fleet.operator;
  return summarise(association, log.events(association.id), log.roster(), clockMs);
}

describe('where a migration stands', () => {
  it('is told by any member from the plan to the restore, also when both ends are off', async () => {
    assert.equal(now(START).phase, 'planned');
    assert.equal((await told([old, event('activity', 'sending', { state: null })])).phase, 'sending');

    const stored = await told(
      [old, event('activity', 'idle', { state: null })],
      [old, event('commit', 'stored', { notes: ['the new machine has not tried its key'], skipped: 3 })],
      [nas, event('holder', 'held')],
    );
    assert.equal(stored.phase, 'stored');
    assert.deepEqual([stored.copies, stored.replicas, stored.skipped], [1, 2, 3]);
    assert.deepEqual(stored.missing, ['the new machine has not tried its key', '1 of 2 copies are there']);
    assert.equal(hasReached(stored, 'stored'), true);
    assert.equal(hasReached(stored, 'safe'), false);

    const until = START + 86_400_000;
    const safe = await told([attic, event('holder', 'held')], [old, event('commit', 'safe', { untilMs: until })]);
    assert.deepEqual([safe.phase, safe.copies, safe.safeUntil, safe.missing.length], ['safe', 2, until, 0]);
  });

  it('is no longer safe to wipe when the word has run out, or a copy is damaged', async () => {
    const late = now(START + 2 * 86_400_000);
    assert.deepEqual([late.phase, late.safeUntil], ['stored', null]);
    assert.deepEqual(late.missing, ['the word of the source has run out']);

    const damaged = await told([attic, event('holder', 'damaged', { notes: ['1 pack is damaged'] })]);
    assert.deepEqual([damaged.phase, damaged.copies], ['stored', 1]);
    await told([attic, event('holder', 'held')]);
  });

  it('counts two copies on one machine once', async () => {
    await told([nas, event('holder', 'deleted')]);
    const one = await told([cellar, event('holder', 'held')]);
    assert.equal(one.copies, 1);
    const two = await told([nas, event('holder', 'held')]);
    assert.equal(two.copies, 2);
  });

  it('counts a state that is spread over several as one copy, and half of one as none', async () => {
    const half = { bytes: 400, descriptorHash: 'ee'.repeat(32), snapshot: 2 };
    await told([old, event('commit', 'stored', { ...half, bytes: 1000 })], [nas, event('holder', 'held', half)]);
    assert.equal(now(START).copies, 0);
    const both = await told([attic, event('holder', 'held', { ...half, bytes: 600 })]);
    assert.equal(both.copies, 1);
  });

  it('is restored only by an acknowledgement of the newest snapshot', async () => {
    const before = await told([next, event('restore', 'restored')]);
    assert.equal(before.phase, 'stored');
    const newest = { snapshot: 2, descriptorHash: 'ee'.repeat(32) };
    const after = await told([next, event('restore', 'restored', newest)]);
    assert.equal(after.phase, 'restored');
    assert.equal(hasReached(after, 'restored'), true);
  });

  it('does not count the copy of a member that was revoked', async () => {
    const { log } = fleet.operator;
    const whole = { descriptorHash: 'ff'.repeat(32), snapshot: 3 };
    const [safe] = [
      await told(
        [nas, event('holder', 'held', whole)],
        [attic, event('holder', 'held', whole)],
        [old, event('commit', 'safe', { ...whole, untilMs: START + 86_400_000 })],
      ),
    ];
    assert.deepEqual([safe.phase, safe.copies], ['safe', 2]);
    await log.append({ type: 'revocation', peerId: attic.peerId, lastAccepted: log.lastLasting(attic.peerId) });
    const after = now(START + 1000);
    assert.deepEqual([after.phase, after.copies, after.safeUntil], ['stored', 1, null]);
    assert.deepEqual(after.missing, ['1 of 2 copies are there']);
  });

  it('takes from nobody what another party says', async () => {
    for (const [who, step, phase] of [
      [nas, 'commit', 'safe'],
      [nas, 'restore', 'restored'],
      [next, 'commit', 'safe'],
      [old, 'restore', 'restored'],
      [old, 'holder', 'held'],
    ] as const) {
      await assert.rejects(
        who.log.append(event(step, phase, { untilMs: START })),
        /only the|does not hold/,
        `${who.name} ${step}`,
      );
    }
  });
});
