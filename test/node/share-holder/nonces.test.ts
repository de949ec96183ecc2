import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../../src/common/errors.ts';
import type { PeerIdText } from '../../../src/common/ids.ts';
import { RELEASE_NONCE_MS, RELEASE_NONCES_MAX, RELEASE_NONCES_PER_PEER_MAX } from '../../../src/common/limits.ts';
import { Nonces } from '../../../src/node/roles/share-holder/nonces.ts';
import { testClock } from '../../records/machines.ts';

const peer = fc.nat(99).map((number) => `peer-${number}` as PeerIdText);
const subject = fc.constantFrom('a', 'b');
const step = fc.oneof(
  fc.record({ do: fc.constant('give' as const), peer, subject }),
  fc.record({ do: fc.constant('spend' as const), peer, subject, which: fc.nat() }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(RELEASE_NONCE_MS) }),
);

test('whatever is asked in whatever order, a nonce is good once, for its peer and subject, while fresh; and they are few', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const clock = testClock(0);
      const nonces = new Nonces(clock, (count) => randomBytes(count));
      const given: { nonce: Uint8Array; peer: PeerIdText; subject: string; at: number; spent: boolean }[] = [];
      for (const one of steps) {
        const now = clock.now();
        const fresh = given.filter(({ at, spent }) => !spent && now - at < RELEASE_NONCE_MS);
        if (one.do === 'wait') clock.set(now + one.ms);
        if (one.do === 'give') {
          const own = fresh.filter((each) => each.peer === one.peer).length;
          const full = own >= RELEASE_NONCES_PER_PEER_MAX || fresh.length >= RELEASE_NONCES_MAX;
          const nonce = attempt(() => nonces.give(one.peer, one.subject));
          assert.equal(nonce === undefined, full);
          if (nonce) given.push({ nonce, peer: one.peer, subject: one.subject, at: now, spent: false });
        }
        if (one.do === 'spend' && given.length > 0) {
          const it = given[one.which % given.length]!;
          const mine = !it.spent && it.peer === one.peer;
          const good = mine && it.subject === one.subject && now - it.at < RELEASE_NONCE_MS;
          const spent = attempt(() => {
            nonces.spend(it.nonce, one.peer, one.subject);
            return true;
          });
          assert.equal(spent === true, good);
          if (mine) it.spent = true;
        }
      }
    }),
  );
});

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'refused');
    return undefined;
  }
}
