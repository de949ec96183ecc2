import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { type CandidateWish, candidatesFor } from '../../../src/node/roles/share-holder/candidates.ts';
import { type Fleet, fleetOf, invite, join, type Machine, machine, memberBody, sync } from '../../records/machines.ts';

const NAMES = ['lab', 'nas-1', 'nas-2', 'nas-3', 'pc-1', 'pc-2', 'pc-3'];
let fleet: Fleet;
const peers = new Map<string, PeerIdText>();

before(async () => {
  fleet = await fleetOf('laboratory');
  const machines: Machine[] = [];
  for (const name of NAMES) {
    const each = await machine(name);
    await join(each, fleet.operator, await invite(fleet.operator), memberBody(each, { point: name.startsWith('nas') }));
    machines.push(each);
    peers.set(name, each.peerId);
  }
  for (const each of machines) await sync(each, fleet.operator);
});

function candidates(changes: Partial<CandidateWish> = {}): string[] {
  const found = candidatesFor({
    roster: fleet.operator.log.roster(),
    self: peers.get('lab')!,
    stateHolders: new Set([peers.get('nas-1')!]),
    copies: { points: [], replicas: 2 },
    leaving: new Set(),
    known: new Set(),
    isNear: () => true,
    random: randomBytes,
    ...changes,
  });
  return found.map(({ name }) => name);
}

describe('who is asked to keep a share', () => {
  it('leaves points for the copies that are still to be made, and one for a copy that is lost', () => {
    // One copy of two is there: nas-2 and nas-3 are kept free.
    assert.deepEqual(candidates().sort(), ['laboratory operator', 'pc-1', 'pc-2', 'pc-3']);
    // None is to be made: one of the two stays free.
    const one = candidates({ copies: { points: [], replicas: 1 } });
    assert.equal(one.length, 5);
    assert.match(one.at(-1)!, /^nas-[23]$/);
  });

  it('takes points that the association does not use for any other member', () => {
    const points = [peers.get('nas-1')!, peers.get('nas-2')!];
    assert.ok(candidates({ copies: { points, replicas: 2 } }).includes('nas-3'));
    assert.ok(!candidates({ copies: { points, replicas: 2 } }).includes('nas-2'));
  });

  it('are those last whose machines go themselves, whoever had a share before', () => {
    const leaving = new Set(['pc-1', 'pc-2'].map((name) => peers.get(name)!));
    const found = candidates({ leaving, known: leaving, isNear: (peer) => leaving.has(peer) });
    assert.deepEqual(found.slice(0, 2).sort(), ['laboratory operator', 'pc-3']);
    assert.deepEqual(found.slice(2).sort(), ['pc-1', 'pc-2']);
  });

  it('is never the source or a holder, and nobody twice, whatever is known', () => {
    const some = fc.subarray(NAMES);
    fc.assert(
      fc.property(some, some, fc.integer({ min: 1, max: 8 }), (holders, known, replicas) => {
        const found = candidates({
          stateHolders: new Set(holders.map((name) => peers.get(name)!)),
          known: new Set(known.map((name) => peers.get(name)!)),
          copies: { points: [], replicas },
        });
        assert.equal(new Set(found).size, found.length);
        assert.ok(!found.includes('lab') && holders.every((name) => !found.includes(name)));
      }),
    );
  });
});
