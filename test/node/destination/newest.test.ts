import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type PeerIdText, stateId } from '../../../src/common/ids.ts';
import {
  type HolderAnswer,
  type KnownOfState,
  knownOfState,
  newestOf,
} from '../../../src/node/roles/destination/newest.ts';
import type { SignedEvent } from '../../../src/state/records/index.ts';

const peer = (name: string): PeerIdText => name as PeerIdText;
const nothing: KnownOfState = { commit: undefined, held: [], deletedBy: [] };
const committed = (snapshot: number): KnownOfState => ({
  ...nothing,
  commit: { snapshot, descriptorHash: null, time: 0 },
});
const answer = (holder: string, ...snapshots: number[]): HolderAnswer => ({ holder: peer(holder), snapshots });

describe('which snapshot is the newest', () => {
  it('is the highest that anybody has', () => {
    const verdict = newestOf(nothing, [answer('a', 1, 2), answer('b', 1, 2, 3)], [], undefined);
    assert.deepEqual(verdict, { kind: 'take', snapshot: 3, confirmed: true, older: false });
  });

  it('is confirmed by the source’s word, or by several holders where nobody is missing', () => {
    const confirmed = (known: KnownOfState, answers: HolderAnswer[], missing: string[] = []): unknown => {
      const verdict = newestOf(known, answers, missing.map(peer), undefined);
      return verdict.kind === 'take' && verdict.confirmed;
    };
    assert.equal(confirmed(nothing, [answer('a', 2)]), false);
    assert.equal(confirmed(nothing, [answer('a', 2), answer('b', 2)]), true);
    assert.equal(confirmed(nothing, [answer('a', 2), answer('b')]), false, 'who has nothing says nothing');
    assert.equal(confirmed(nothing, [answer('a', 2), answer('b', 2)], ['c']), false);
    assert.equal(confirmed(committed(2), [answer('a', 2)], ['c']), true);
    assert.equal(confirmed(committed(1), [answer('a', 2)]), false, 'that word is of an earlier one');
  });

  it('finds out a holder that hides what it said it holds, and tells it from one that is away', () => {
    const known = { ...nothing, held: ['a', 'b'].map((holder) => ({ holder: peer(holder), snapshot: 3 })) };
    assert.deepEqual(newestOf(known, [answer('a', 1, 2)], [peer('b')], undefined), {
      kind: 'behind',
      newest: 3,
      offered: 2,
      hiders: ['a'],
      absent: ['b'],
    });
    assert.deepEqual(newestOf(committed(3), [answer('a', 2)], [], undefined), {
      kind: 'behind',
      newest: 3,
      offered: 2,
      hiders: [],
      absent: [],
    });
  });

  it('takes an older one where a person named it, and says that it is older', () => {
    const answers = [answer('a', 1, 3)];
    assert.deepEqual(newestOf(committed(3), answers, [], 1), {
      kind: 'take',
      snapshot: 1,
      confirmed: false,
      older: true,
    });
    assert.deepEqual(newestOf(committed(3), answers, [], 2), { kind: 'none', newest: 3 });
  });

  it('never takes a lower one than anybody told of, unless it was named', () => {
    const number = fc.nat({ max: 5 });
    const holders = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.option(number, { nil: undefined }),
        fc.array(fc.record({ holder: holders, snapshot: number })),
        fc.array(fc.record({ holder: holders, snapshots: fc.array(number.map((n) => n + 1)) })),
        fc.array(holders),
        fc.option(number, { nil: undefined }),
        (commit, held, answers, missing, wanted) => {
          const known = {
            ...(commit === undefined ? nothing : committed(commit)),
            held: held.map(({ holder, snapshot }) => ({ holder: peer(holder), snapshot })),
          };
          const given = answers.map(({ holder, snapshots }) => answer(holder, ...snapshots));
          const verdict = newestOf(known, given, missing.map(peer), wanted);
          const told = Math.max(0, commit ?? 0, ...held.map(({ snapshot }) => snapshot));
          const offered = Math.max(0, ...given.flatMap(({ snapshots }) => snapshots));
          if (verdict.kind !== 'take') return;
          if (wanted === undefined) assert.ok(verdict.snapshot >= told && verdict.snapshot === offered);
          else assert.equal(verdict.snapshot, wanted);
          assert.equal(verdict.older, verdict.snapshot < Math.max(told, offered));
          if (verdict.confirmed) assert.ok(!verdict.older);
        },
      ),
    );
  });

  it('reads from events what the source committed, who holds it and who deleted it', () => {
    const state = stateId('5a'.repeat(32));
    const event = (signer: string, step: string, phase: string, snapshot: number, of = state): SignedEvent =>
      ({ signer, time: 7, body: { state: of, step, phase, snapshot, descriptorHash: null } }) as unknown as SignedEvent;
    const known = knownOfState(
      [
        event('source', 'commit', 'safe', 2),
        event('a', 'holder', 'held', 2),
        event('b', 'holder', 'damaged', 2),
        event('c', 'holder', 'deleted', 2),
        event('d', 'holder', 'held', 9, stateId('66'.repeat(32))),
        event('source', 'activity', 'sending', 9),
      ],
      state,
    );
    assert.deepEqual(known, {
      commit: { snapshot: 2, descriptorHash: null, time: 7 },
      held: [
        { holder: 'a', snapshot: 2 },
        { holder: 'b', snapshot: 2 },
      ],
      deletedBy: ['c'],
    });
  });
});
