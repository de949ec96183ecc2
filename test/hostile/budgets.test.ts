/** How much of one machine another may have: handshakes, small frames, packets of multicast. */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import type { MessageStream, MultiaddrConnection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import fc from 'fast-check';
import { Budget } from '../../src/common/budget.ts';
import {
  DISCOVERY_PACKETS_OF_ALL,
  DISCOVERY_PACKETS_PER_SOURCE,
  HANDSHAKES_OF_ALL,
  HANDSHAKES_PER_HOST,
  PACE_BURST,
  PACE_PAUSE_MAX_MS,
  PACE_PER_SECOND,
  PACE_SIGNAL_COUNT,
} from '../../src/common/limits.ts';
import { leaveOutFloods } from '../../src/node/discovery/socket.ts';
import { FrameGuard } from '../../src/node/link/frame-guard.ts';
import { InboundGate } from '../../src/node/link/inbound-gate.ts';
import { Pace } from '../../src/node/link/pace.ts';
import { HeldClock } from '../pair/support/parties.ts';
import { YAMUX_FLAG, YAMUX_TYPE, yamuxFrame } from './peers/hostile-node.ts';

describe('a budget', () => {
  it('gives no more than its burst and what a time brings, whatever is asked when', () => {
    const asked = fc.array(fc.record({ waitMs: fc.nat(400), key: fc.constantFrom('a', 'b') }), { maxLength: 300 });
    fc.assert(
      fc.property(asked, (requests) => {
        const clock = new HeldClock();
        const budget = new Budget<string>(clock, { burst: 5, perSecond: 10 });
        const beganMs = clock.steadyMs;
        const given = new Map<string, number>();
        for (const { waitMs, key } of requests) {
          clock.pass(waitMs);
          if (budget.take(key)) given.set(key, (given.get(key) ?? 0) + 1);
          const most = 5 + ((clock.steadyMs - beganMs) / 1000) * 10;
          assert.ok((given.get(key) ?? 0) <= most + 1e-9);
        }
      }),
    );
  });

  it('gives again what time has brought, and does not let one wait for the other', () => {
    const clock = new HeldClock();
    const budget = new Budget<string>(clock, { burst: 2, perSecond: 10 });
    assert.deepEqual(
      [1, 2, 3].map(() => budget.take('a')),
      [true, true, false],
    );
    assert.ok(budget.take('b'));
    clock.pass(100);
    assert.ok(budget.take('a'));
    assert.ok(!budget.take('a'));
    assert.equal(budget.spend('a', 3), 300);
  });
});

describe('handshakes', () => {
  const gateAt = (clock: HeldClock) => {
    const gate = new InboundGate(clock);
    return (host: string): boolean => {
      const closed = new EventTarget();
      const remoteAddr = multiaddr(`/ip4/${host}/tcp/1`);
      const connection = Object.assign(closed, { remoteAddr }) as unknown as MultiaddrConnection;
      const isDenied = gate.denyInboundConnection(connection);
      closed.dispatchEvent(new Event('close'));
      return !isDenied;
    };
  };

  it('of one host are so many at once, and so many a second', () => {
    const clock = new HeldClock();
    const mayBegin = gateAt(clock);
    const begun = Array.from({ length: 1000 }, () => mayBegin('192.0.2.66')).filter(Boolean).length;
    assert.equal(begun, HANDSHAKES_PER_HOST.burst);
    assert.ok(mayBegin('192.0.2.7'), 'another host is not kept out');
    clock.pass(1000);
    assert.equal(
      Array.from({ length: 1000 }, () => mayBegin('192.0.2.66')).filter(Boolean).length,
      HANDSHAKES_PER_HOST.perSecond,
    );
  });

  it('of many hosts have a bound together', () => {
    const clock = new HeldClock();
    const mayBegin = gateAt(clock);
    const host = (count: number): string => `198.51.${count >> 8}.${count & 255}`;
    const begun = Array.from({ length: 5000 }, (_, count) => mayBegin(host(count))).filter(Boolean).length;
    assert.equal(begun, HANDSHAKES_OF_ALL.burst);
  });
});

/** A channel that says for how long it was paused. */
class TestChannel {
  readonly status = 'open';
  pauses = 0;
  pause(): void {
    this.pauses += 1;
  }
  resume(): void {}
}

describe('the pace of small things', () => {
  it('pauses a connection of who sends too many, not that of others', () => {
    const clock = new HeldClock();
    const pace = new Pace(clock);
    const [fast, other] = [new TestChannel(), new TestChannel()];
    pace.take('mallory', PACE_BURST, fast as unknown as MessageStream);
    assert.equal(fast.pauses, 0);
    pace.take('mallory', PACE_PER_SECOND, fast as unknown as MessageStream);
    pace.take('honest', 100, other as unknown as MessageStream);
    assert.deepEqual([fast.pauses, other.pauses], [1, 0]);
    clock.pass(1000);
    const again = new TestChannel();
    pace.take('mallory', 0, again as unknown as MessageStream);
    assert.equal(again.pauses, 0);
  });

  it('leaves a connection alone that ends while it is paused', async () => {
    const over = Promise.withResolvers<void>();
    const closing = (): never => {
      const error = new Error('Cannot resume a stream that is closing/closed');
      error.name = 'StreamStateError';
      over.resolve();
      throw error;
    };
    const channel = { status: 'open', pause() {}, resume: closing } as unknown as MessageStream;
    // A moment too many.
    new Pace(new HeldClock()).take('mallory', PACE_BURST + PACE_PER_SECOND / 100, channel);
    await Promise.race([over.promise, new Promise((_, late) => setTimeout(() => late(new Error('never')), 10_000))]);
  });

  it('is that of all connections of a peer together', () => {
    const pace = new Pace(new HeldClock());
    const channels = Array.from({ length: 4 }, () => new TestChannel());
    for (const channel of channels) pace.take('mallory', PACE_BURST / 3, channel as unknown as MessageStream);
    assert.deepEqual(
      channels.map(({ pauses }) => pauses),
      [0, 0, 0, 1],
    );
    assert.ok(PACE_PAUSE_MAX_MS > 0);
  });

  it('counts small frames and pieces, signals more, and bulk data not at all', () => {
    const guard = new FrameGuard(new HeldClock());
    guard.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1 }, new Uint8Array(100_000)));
    assert.equal(guard.takeSmall(), 0);
    guard.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1 }, new Uint8Array(1)));
    assert.equal(guard.takeSmall(), 2);
    guard.look(yamuxFrame({ type: YAMUX_TYPE.window, flags: YAMUX_FLAG.syn, stream: 3 }));
    assert.equal(guard.takeSmall(), 2 + PACE_SIGNAL_COUNT);
    guard.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1, length: 5000 }));
    guard.takeSmall();
    guard.look(Uint8Array.of(1));
    assert.equal(guard.takeSmall(), 1, 'a byte of a large frame is a small piece');
  });
});

describe('packets of multicast', () => {
  const heard = (sources: readonly string[]): number => {
    const socket = leaveOutFloods(new EventEmitter() as never, new HeldClock()) as unknown as EventEmitter;
    let count = 0;
    socket.on('message', () => {
      count += 1;
    });
    for (const address of sources) socket.emit('message', Buffer.alloc(1), { address });
    return count;
  };

  it('are so many of one address', () => {
    assert.equal(heard(Array.from({ length: 1000 }, () => '192.0.2.66')), DISCOVERY_PACKETS_PER_SOURCE.burst);
  });

  it('are so many of all addresses', () => {
    const sources = Array.from({ length: 5000 }, (_, count) => `198.51.${count >> 8}.${count & 255}`);
    assert.equal(heard(sources), DISCOVERY_PACKETS_OF_ALL.burst);
  });
});
