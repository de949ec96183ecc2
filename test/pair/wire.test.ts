import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import type { Libp2p } from 'libp2p';
import { PAIRING_COUNTED_PER_HOUR_MAX, PAIRING_LIFE_MS, PAIRING_MESSAGE_MAX_BYTES } from '../../src/common/limits.ts';
import { createLink } from '../../src/node/link/libp2p-node.ts';
import type { PairingParty } from '../../src/protocols/pair/drive.ts';
import { ShownCode, TypedCode } from '../../src/protocols/pair/guesses.ts';
import { HourlyCap } from '../../src/protocols/pair/hourly-cap.ts';
import { encodePairMessage, PAIR_PROTOCOL } from '../../src/protocols/pair/messages.ts';
import { type FailedAttempt, PairingServer, pairOver } from '../../src/protocols/pair/pair.ts';
import { isSignedByBoth, type Signer, signerOf } from '../../src/protocols/pair/statement.ts';
import type { Credential } from '../../src/protocols/pair/types.ts';
import { connect } from '../protocols/support.ts';
import { HeldClock, MemoryTimes, random, shownRecord, wordsCode } from './support/parties.ts';

const RIGHT = wordsCode('acid-zoom');
const WRONG = wordsCode('acid-zone');
/** Long enough for a machine under load; short where a test waits for it to pass. */
const STEP_MS = 20_000;
const SHORT_STEP_MS = 300;
const never = new AbortController().signal;

interface Machine {
  readonly node: Libp2p;
  readonly self: Signer;
}

async function startMachine(): Promise<Machine> {
  const privateKey = await generateKeyPair('Ed25519');
  const node = await createLink({ privateKey, listen: ['/ip4/127.0.0.1/tcp/0'], guard: (registrar) => registrar });
  await node.start();
  return { node, self: signerOf(privateKey) };
}

describe('pairing over connections', () => {
  let shower: Machine;
  let typers: [Machine, Machine];
  let relays: [Machine, Machine];
  let clock: HeldClock;
  let times: MemoryTimes;
  let failed: FailedAttempt[];
  let server: PairingServer | undefined;
  const machines: Machine[] = [];

  before(async () => {
    for (let count = 0; count < 5; count++) machines.push(await startMachine());
    const [a, b, c, d, e] = machines as [Machine, Machine, Machine, Machine, Machine];
    shower = a;
    typers = [b, c];
    relays = [d, e];
  });
  after(async () => {
    await server?.close();
    for (const { node } of machines) await node.stop();
  });
  beforeEach(async () => {
    await server?.close();
    server = undefined;
    clock = new HeldClock();
    times = new MemoryTimes();
    failed = [];
  });

  function party(machine: Machine, about: string, stepMs = STEP_MS): PairingParty {
    const cap = new HourlyCap(machine === shower ? times : new MemoryTimes(), clock);
    return {
      self: machine.self,
      about: Buffer.from(about),
      cap,
      random,
      stepMs,
      log: (error) => assert.fail(String(error)),
    };
  }

  async function show(stepMs = STEP_MS, ...credentials: Credential[]): Promise<ShownCode> {
    const [first = RIGHT, ...more] = credentials;
    const code = new ShownCode('send', [first, ...more], clock);
    const onFailed = (attempt: FailedAttempt): void => {
      failed.push(attempt);
    };
    server = await PairingServer.start({ ...party(shower, 'old', stepMs), handlers: shower.node, code, onFailed });
    return code;
  }

  function type(connection: Connection, machine: Machine, credential: Credential, signal = never) {
    const code = new TypedCode('send', credential);
    return { code, pairing: pairOver(connection, { ...party(machine, 'new'), code, signal }) };
  }

  const reach = (from: Machine, to: Machine): Promise<Connection> => connect(from.node, to.node);

  it('gives both sides the same signed record, the other’s peer id, and what it says about itself', async () => {
    const code = await show();
    const typed = type(await reach(typers[0], shower), typers[0], RIGHT);
    const [own, { pairing: other, connection }] = await Promise.all([typed.pairing, server!.paired]);
    assert.equal(shownRecord(own.record), shownRecord(other.record));
    assert.ok(isSignedByBoth(own.record));
    assert.deepEqual([own.remote, other.remote], [shower.self.peerId, typers[0].self.peerId]);
    assert.equal(connection.remotePeer.toString(), typers[0].self.peerId);
    const abouts = [own.remoteAbout, other.remoteAbout].map((bytes) => Buffer.from(bytes).toString());
    assert.deepEqual(abouts, ['old', 'new']);
    assert.equal(code.status, 'used');
    assert.deepEqual([failed, times.stored], [[], []]);
  });

  it('is closed to everybody before a code is shown, and after it was used', async () => {
    const connection = await reach(typers[0], shower);
    const early = type(connection, typers[0], RIGHT);
    await assert.rejects(early.pairing, { code: 'refused', message: /used or burnt, or it has expired/ });
    assert.equal(early.code.isSpent, false);
    await show();
    await type(connection, typers[0], RIGHT).pairing;
    await server!.paired;
    await closed(connection);
    await assert.rejects(type(connection, typers[0], RIGHT).pairing, { code: 'refused' });
  });

  it('refuses a wrong code on both sides, shows who tried and how many failures are left, and goes on', async () => {
    const code = await show();
    const wrong = type(await reach(typers[0], shower), typers[0], WRONG);
    await assert.rejects(wrong.pairing, { code: 'refused', message: /not the one that it shows/ });
    assert.ok(wrong.code.isSpent);
    await until(() => failed.length === 1);
    assert.deepEqual(failed[0], {
      remote: typers[0].self.peerId,
      failure: { reason: 'wrong-code', counted: true, told: false },
      failuresLeft: 1,
    });
    assert.equal(times.stored.length, 1);
    await type(await reach(typers[1], shower), typers[1], RIGHT).pairing;
    await server!.paired;
    assert.equal(code.status, 'used');
  });

  it('burns the code at the second failure, from another machine too, and says so', async () => {
    const code = await show();
    for (const typer of typers) await assert.rejects(type(await reach(typer, shower), typer, WRONG).pairing);
    await assert.rejects(server!.paired, { code: 'refused', message: /burnt/ });
    assert.equal(code.status, 'burnt');
    const connection = await reach(typers[0], shower);
    await closed(connection);
    await assert.rejects(type(connection, typers[0], RIGHT).pairing, { code: 'refused' });
    assert.equal(times.stored.length, 2);
  });

  it('refuses digits of another code without a guess on either side', async () => {
    const code = await show();
    const other = type(await reach(typers[0], shower), typers[0], wordsCode('acid-zoom', '043'));
    await assert.rejects(other.pairing, { code: 'refused', message: /another code/ });
    assert.equal(other.code.isSpent, false);
    assert.equal(code.failuresLeft, 2);
  });

  it('refuses a code that has expired', async () => {
    const code = await show();
    clock.pass(PAIRING_LIFE_MS);
    const late = type(await reach(typers[0], shower), typers[0], RIGHT);
    await assert.rejects(late.pairing, { code: 'refused', message: /expired/ });
    assert.equal(late.code.isSpent, false);
    await assert.rejects(server!.paired, { message: /expired/ });
    assert.equal(code.status, 'expired');
  });

  it('closes by itself when the code has expired, though nobody came', async () => {
    const code = new ShownCode('send', [RIGHT], clock);
    clock.pass(PAIRING_LIFE_MS - SHORT_STEP_MS);
    server = await PairingServer.start({ ...party(shower, 'old'), handlers: shower.node, code });
    clock.pass(SHORT_STEP_MS);
    await assert.rejects(server.paired, { code: 'refused', message: /expired/ });
    await closed(await reach(typers[0], shower));
  });

  it('serves one of two receivers at once; the other is told and keeps its code', async () => {
    await show();
    const connections = await Promise.all(typers.map((typer) => reach(typer, shower)));
    const both = connections.map((connection, at) => type(connection, typers[at]!, RIGHT));
    const ends = await Promise.allSettled(both.map(({ pairing }) => pairing));
    assert.deepEqual(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const lost = ends.findIndex(({ status }) => status === 'rejected');
    assert.equal(both[lost]!.code.isSpent, false);
    const { pairing } = await server!.paired;
    assert.equal(pairing.remote, typers[1 - lost]!.self.peerId);
  });

  it('refuses when the hour is full, on the words, and not on the scanned secret', async () => {
    const scan: Credential = { kind: 'scan', secret: random(16) };
    const code = await show(STEP_MS, RIGHT, scan);
    times.stored = Array.from({ length: PAIRING_COUNTED_PER_HOUR_MAX }, () => clock.now());
    const typed = type(await reach(typers[0], shower), typers[0], RIGHT);
    await assert.rejects(typed.pairing, { code: 'refused', message: /attempts without success within an hour/ });
    assert.equal(code.failuresLeft, 2);
    await type(await reach(typers[0], shower), typers[0], scan).pairing;
    await server!.paired;
  });

  it('tells nothing to a machine that is not the one of the scanned code', async () => {
    const scan: Credential = { kind: 'scan', secret: random(16) };
    await show(STEP_MS, RIGHT, scan);
    const code = new TypedCode('send', scan);
    const options = { ...party(typers[0], 'new'), code, signal: never, expected: typers[1].self.peerId };
    await assert.rejects(pairOver(await reach(typers[0], shower), options), { code: 'refused' });
    assert.equal(code.isSpent, false);
  });

  it('ends at once when the person at either side stops it', async () => {
    const code = await show();
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    const typed = type(await reach(typers[0], shower), typers[0], RIGHT, stop.signal);
    await assert.rejects(typed.pairing, /enough/);
    await server!.close();
    await assert.rejects(server!.paired, { message: /taken back/ });
    assert.equal(code.status, 'withdrawn');
  });

  describe('against a machine in the middle', () => {
    /** Passes every message on, both ways, under a peer id of its own on each leg. */
    async function relay(change: (bytes: Uint8Array, at: number) => Uint8Array): Promise<Connection> {
      const onward = await reach(relays[1], shower);
      await relays[0].node.handle(PAIR_PROTOCOL, async (incoming) => {
        const outgoing = await onward.newStream(PAIR_PROTOCOL);
        await Promise.allSettled([pass(incoming, outgoing, change), pass(outgoing, incoming, change)]);
      });
      return reach(typers[0], relays[0]);
    }

    async function pass(
      from: Stream,
      to: Stream,
      change: (bytes: Uint8Array, at: number) => Uint8Array,
    ): Promise<void> {
      const [reader, writer] = [lpStream(from), lpStream(to)];
      try {
        for (let at = 0; ; at++) await writer.write(change((await reader.read()).subarray(), at));
      } finally {
        await to.close();
      }
    }

    it('fails on both legs with the right code, and costs one guess on each side', async () => {
      const code = await show();
      let passed = 0;
      const connection = await relay((bytes) => {
        passed += 1;
        return bytes;
      });
      const typed = type(connection, typers[0], RIGHT);
      await assert.rejects(typed.pairing, { code: 'refused', message: /not the one that it shows/ });
      assert.ok(typed.code.isSpent);
      await until(() => failed.length === 1);
      assert.equal(failed[0]!.failure.reason, 'wrong-code');
      assert.equal(failed[0]!.remote, relays[1].self.peerId);
      assert.deepEqual([code.failuresLeft, code.status], [1, 'live']);
      // Greeting, answer, share, and the refusal: the relay was in the way of all of them.
      assert.equal(passed, 4);
      await relays[0].node.unhandle(PAIR_PROTOCOL);
    });

    it('fails when it changes what it passes on', async () => {
      const code = await show();
      const connection = await relay((bytes, at) => {
        const changed = Uint8Array.from(bytes);
        if (at === 1) changed[changed.length - 1]! ^= 1;
        return changed;
      });
      await assert.rejects(type(connection, typers[0], RIGHT).pairing);
      await until(() => failed.length === 1);
      assert.notEqual(code.status, 'used');
      await relays[0].node.unhandle(PAIR_PROTOCOL);
    });

    it('fails when it sends our own messages back', async () => {
      await relays[0].node.handle(PAIR_PROTOCOL, async (stream) =>
        pass(stream, stream, (bytes) => bytes).catch(() => {}),
      );
      const typed = type(await reach(typers[0], relays[0]), typers[0], RIGHT);
      await assert.rejects(typed.pairing, { code: 'refused', message: /does not follow the pairing protocol/ });
      assert.equal(typed.code.isSpent, false);
      await relays[0].node.unhandle(PAIR_PROTOCOL);
    });
  });

  describe('against a machine that does not follow the protocol', () => {
    const greeting = (): Uint8Array =>
      encodePairMessage({
        type: 'greeting',
        purpose: 'send',
        role: 'types',
        kind: 'words',
        number: '042',
        nonce: random(32),
        commitment: random(32),
      });

    it('counts one that vanishes after our point, and serves the next one', async () => {
      const code = await show();
      const stream = await (await reach(typers[0], shower)).newStream(PAIR_PROTOCOL);
      const messages = lpStream(stream);
      await messages.write(greeting());
      await messages.read();
      assert.equal(code.failuresLeft, 1);
      stream.abort(new Error('gone'));
      await until(() => failed.length === 1);
      assert.deepEqual(failed[0]!.failure, { reason: 'gone', counted: true, told: false });
      await type(await reach(typers[1], shower), typers[1], RIGHT).pairing;
      await server!.paired;
    });

    it('waits no longer than a step for one that says nothing, and counts no guess for it', async () => {
      const code = await show(SHORT_STEP_MS);
      await (await reach(typers[0], shower)).newStream(PAIR_PROTOCOL);
      await until(() => failed.length === 1);
      assert.deepEqual(failed[0]!.failure, { reason: 'timeout', counted: false, told: false });
      assert.equal(code.failuresLeft, 2);
    });

    it('ends a run that stands still after our point, and gives the place to others', async () => {
      // The greeting has to come within a step, on a machine under load as well.
      const code = await show(5 * SHORT_STEP_MS);
      const messages = lpStream(await (await reach(typers[0], shower)).newStream(PAIR_PROTOCOL));
      await messages.write(greeting());
      await until(() => failed.length === 1);
      assert.deepEqual(failed[0]!.failure, { reason: 'timeout', counted: true, told: false });
      assert.deepEqual([code.failuresLeft, code.isRunning], [1, false]);
    });

    it('cuts off who sends garbage, a message out of turn, or one that is too long', async () => {
      const code = await show();
      const bad = [
        random(100),
        encodePairMessage({ type: 'refused', refusal: 'busy' }),
        encodePairMessage({ type: 'share', point: random(32), tag: undefined }),
      ];
      for (const bytes of bad) {
        const messages = lpStream(await (await reach(typers[0], shower)).newStream(PAIR_PROTOCOL));
        await messages.write(bytes);
        await assert.rejects(messages.read());
      }
      const long = await (await reach(typers[0], shower)).newStream(PAIR_PROTOCOL);
      await lpStream(long).write(new Uint8Array(PAIRING_MESSAGE_MAX_BYTES + 1));
      await until(() => failed.length === bad.length + 1);
      assert.deepEqual(
        failed.map(({ failure }) => [failure.reason, failure.counted]),
        [
          ['bad-message', false],
          ['busy', false],
          ['bad-message', false],
          ['bad-message', false],
        ],
      );
      assert.equal(code.failuresLeft, 2);
    });

    it('ends with the store of guesses, rather than let one through uncounted', async () => {
      await show();
      times.update = () => Promise.reject(new Error('the disk is full'));
      await assert.rejects(type(await reach(typers[0], shower), typers[0], RIGHT).pairing);
      await assert.rejects(server!.paired, /the disk is full/);
    });
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (isTrue()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.fail('it did not come true');
}

/** The protocol is no longer served at the other end. */
async function closed(connection: Connection): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      (await connection.newStream(PAIR_PROTOCOL)).abort(new Error('only looking'));
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') return;
    }
    await new Promise((done) => setTimeout(done, 10));
  }
  assert.fail('the protocol is still served');
}
