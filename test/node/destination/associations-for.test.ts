import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssociationId, PeerIdText } from '../../../src/common/ids.ts';
import { awaitAssociations } from '../../../src/node/roles/destination/associations-for.ts';
import type { Association, Roster } from '../../../src/state/records/index.ts';

const self = '12D3KooWself' as PeerIdText;
const ticketFor = 'ab'.repeat(32) as AssociationId;
const move = { id: ticketFor, destination: self } as Association;
const signal = new AbortController().signal;

/** A fleet whose records come with the refresh of that number; each refresh takes so long. */
function scene(comesWith: number, refreshMs: number) {
  let refreshes = 0;
  let nowMs = 0;
  const notes: string[] = [];
  const roster = (): Roster => {
    const known = refreshes >= comesWith ? [[ticketFor, move] as const] : [];
    return { associations: new Map(known), pastAssociations: new Map() } as unknown as Roster;
  };
  const refresh = async (): Promise<void> => {
    refreshes += 1;
    nowMs += refreshMs;
  };
  const ask = (wish: { ticketFor?: AssociationId; once?: boolean }): Promise<Association[]> =>
    awaitAssociations(
      { fleet: { self, roster, refresh }, clock: { monotonicMs: () => nowMs } },
      { once: wish.once ?? false, ticketFor: wish.ticketFor, onNote: (message) => notes.push(message) },
      signal,
    );
  return { ask, notes, refreshes: () => refreshes };
}

test('a machine with a ticket waits for the records that its ticket promises, and says so', async () => {
  const slow = scene(2, 40_000);
  assert.deepEqual(await slow.ask({ ticketFor }), [move]);
  assert.deepEqual(slow.notes, ["waiting for the records of the move that this machine's ticket is for"]);
  const ready = scene(0, 40_000);
  assert.deepEqual([await ready.ask({ ticketFor }), ready.notes, ready.refreshes()], [[move], [], 0]);
});

test('where they do not come, that is not taken for a move that there is not', async () => {
  await assert.rejects(scene(9, 70_000).ask({ ticketFor }), (error: { code?: string; message?: string }) => {
    assert.equal(error.code, 'failed');
    assert.match(error.message ?? '', /records of the move .* have not come here/);
    return true;
  });
});

test('a machine without one is told soon that nothing is for it', async () => {
  const none = scene(9, 6_000);
  assert.deepEqual([await none.ask({}), none.refreshes()], [[], 2]);
  const named = scene(9, 6_000);
  assert.deepEqual([await named.ask({ once: true, ticketFor }), named.refreshes()], [[], 0]);
});
