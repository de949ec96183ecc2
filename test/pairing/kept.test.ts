import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import { hexOf } from '../../src/common/bytes.ts';
import { stateId } from '../../src/common/ids.ts';
import { PAIRING_KEPT_MS } from '../../src/common/limits.ts';
import { KeptPairings, type KeptReceiver, type KeptSender } from '../../src/node/pairing/kept.ts';
import { signerOf, statementOf } from '../../src/protocols/pair/statement.ts';
import { random } from '../pair/support/parties.ts';
import { AheadClock, TwoMachines } from './support/two-machines.ts';

/** In text, whatever kind of bytes it holds. */
function shown(kept: object): string {
  return JSON.stringify(kept, (_, one) =>
    one?.type === 'Buffer' || one instanceof Uint8Array ? [...(one.data ?? one)] : one,
  );
}

describe('a kept pairing', () => {
  let two: TwoMachines;
  let clock: AheadClock;
  let pairings: KeptPairings;
  let sender: KeptSender;
  let receiver: KeptReceiver;

  beforeEach(async () => {
    two = new TwoMachines();
    clock = new AheadClock();
    pairings = new KeptPairings(two.home('old'), clock);
    const keys = [await generateKeyPair('Ed25519'), await generateKeyPair('Ed25519')] as const;
    const [initiator, responder] = [signerOf(keys[0]), signerOf(keys[1])];
    const claims = {
      purpose: 'send' as const,
      initiator: initiator.peerId,
      responder: responder.peerId,
      session: random(64),
    };
    const statement = statementOf(claims);
    const signatures = { initiator: initiator.sign(statement), responder: responder.sign(statement) };
    const common = {
      madeAtMs: clock.now(),
      record: { ...claims, signatures },
      remoteAbout: random(20),
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
    };
    sender = {
      ...common,
      role: 'sender',
      id: '',
      privateKey: keys[1],
      remote: initiator.peerId,
      paths: ['/home/ann'],
      areas: [],
      notTaken: 0,
      state: stateId('ab'.repeat(32)),
      stateKey: random(32),
      port: 4001,
    };
    receiver = {
      ...common,
      role: 'receiver',
      id: '',
      privateKey: keys[0],
      remote: responder.peerId,
      wish: two.wish,
      restoreId: '20260131-235959123-0badf00d',
    };
  });
  afterEach(() => two.close());

  function save(kept: KeptSender | KeptReceiver): string {
    const folder = pairings.create(random);
    folder.save({ ...kept, id: folder.id });
    folder.release();
    return folder.id;
  }

  const fileOf = (id: string): string => two.home('old').path('pairings', id, 'pairing.json');

  const listed = (role: 'sender' | 'receiver', onProblem = (message: string): void => assert.fail(message)) =>
    pairings.list(role, onProblem).map(({ id }) => id);

  it('comes back as it was, for its owner’s eyes only', () => {
    for (const kept of [sender, receiver]) {
      const id = save(kept);
      const { privateKey, ...loaded } = pairings.load(id);
      const { privateKey: ownKey, ...given } = { ...kept, id };
      assert.deepEqual(JSON.parse(shown(loaded)), JSON.parse(shown(given)));
      assert.ok(privateKey.equals(ownKey));
      assert.equal(statSync(fileOf(id)).mode & 0o777, 0o600);
      assert.equal(statSync(two.home('old').path('pairings', id)).mode & 0o777, 0o700);
      assert.deepEqual(listed(kept.role), [id]);
    }
  });

  it('is not used with another machine’s id, another session, another’s key, or in another role', async () => {
    const foreign = signerOf(await generateKeyPair('Ed25519')).peerId;
    const otherKey = hexOf(receiver.privateKey.raw);
    const changes: Record<string, unknown>[] = [
      { initiator: foreign },
      { responder: foreign },
      { session: hexOf(random(64)) },
      { key: `08011240${otherKey}` },
      { initiator: sender.record.responder, responder: sender.record.initiator },
      { signatures: { initiator: '00'.repeat(64), responder: '00'.repeat(64) } },
      { version: 2 },
      { paths: ['relative'] },
      { extra: 1 },
    ];
    for (const changed of changes) {
      const id = save(sender);
      const file = JSON.parse(readFileSync(fileOf(id), 'utf8')) as Record<string, unknown>;
      writeFileSync(fileOf(id), JSON.stringify({ ...file, ...changed }));
      assert.throws(() => pairings.load(id), { code: 'damaged' }, JSON.stringify(changed));
      const problems: string[] = [];
      assert.deepEqual(
        listed('sender', (message) => problems.push(message)),
        [],
      );
      assert.equal(problems.length, 1);
      pairings.hold(id).remove();
    }
  });

  it('is damaged where it is cut short at any place', () => {
    const id = save(receiver);
    const whole = readFileSync(fileOf(id));
    for (let length = 0; length < whole.length; length += 97) {
      writeFileSync(fileOf(id), whole.subarray(0, length));
      assert.throws(() => pairings.load(id), { code: 'damaged' });
    }
  });

  it('is over after 24 hours, is removed then, and by a clock that was set back by days too', () => {
    const id = save(sender);
    clock.aheadMs = PAIRING_KEPT_MS - 60_000;
    assert.deepEqual(listed('sender'), [id]);
    for (const aheadMs of [PAIRING_KEPT_MS, -3 * PAIRING_KEPT_MS]) {
      clock.aheadMs = aheadMs;
      assert.throws(() => pairings.load(id), { code: 'refused', message: /more than 24 hours/ });
    }
    assert.deepEqual(listed('sender'), []);
    assert.deepEqual(two.home('old').list('pairings'), []);
  });

  it('is one process’s at a time, and what a process left before it paired is removed', () => {
    const id = save(sender);
    const held = pairings.hold(id);
    assert.throws(() => pairings.hold(id), { code: 'failed', message: /another process/ });
    held.release();
    pairings.hold(id).release();
    mkdirSync(two.home('old').path('pairings', '0123456789abcdef', 'plan'), { recursive: true });
    const alive = pairings.create(random);
    assert.deepEqual(listed('sender'), [id]);
    assert.deepEqual(two.home('old').list('pairings').sort(), [alive.id, id].sort());
    alive.release();
  });
});
