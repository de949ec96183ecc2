import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerIdText } from '../../src/common/ids.ts';
import { PAIRING_ATTEMPTS_TOLD_MAX } from '../../src/common/limits.ts';
import { AttemptTeller } from '../../src/node/pairing/attempts.ts';
import type { PairingEvent } from '../../src/node/pairing/types.ts';
import type { FailedAttempt } from '../../src/protocols/pair/pair.ts';

const STRANGER = peerIdText(`12D3KooW${'x'.repeat(44)}`);

test('of attempts that cost a code nothing only the first are told, of those that cost it all', () => {
  const told: PairingEvent[] = [];
  const teller = new AttemptTeller((event) => told.push(event));
  const failed = (counted: boolean): FailedAttempt => ({
    remote: STRANGER,
    failure: { reason: counted ? 'wrong-code' : 'gone', counted, told: false },
    failuresLeft: 1,
  });
  for (let attempt = 0; attempt < 3 * PAIRING_ATTEMPTS_TOLD_MAX; attempt += 1) teller.tell(failed(false));
  assert.equal(told.length, PAIRING_ATTEMPTS_TOLD_MAX);
  const messages = told.map((event) => ('message' in event ? String(event.message) : ''));
  assert.match(messages.at(-1)!, /it went away; the code is whole; more that leave it whole are not told$/);
  assert.equal(messages.filter((message) => message.includes('more that')).length, 1);
  for (let attempt = 0; attempt < 2; attempt += 1) teller.tell(failed(true));
  assert.equal(told.length, PAIRING_ATTEMPTS_TOLD_MAX + 2);
});
