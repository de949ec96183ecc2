/** The guards before libp2p, each by itself. What they keep out is in peers/. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '@libp2p/interface';
import fc from 'fast-check';
import {
  CONTROL_BYTES_MAX,
  CONTROL_BYTES_PER_PEER_MAX,
  MUXER_SIGNALS_BURST,
  NEGOTIATION_LINES_MAX,
  STRANGER_CONNECTIONS_MAX,
  UNFINISHED_LOOKS_MAX,
  UNFINISHED_STEP_BYTES,
  YAMUX_WINDOW_BYTES,
} from '../../src/common/limits.ts';
import { FrameGuard } from '../../src/node/link/frame-guard.ts';
import { guardLengths, LengthGuard } from '../../src/node/link/length-guard.ts';
import { PieceGuard } from '../../src/node/link/piece-guard.ts';
import { type UnderWay, Unfinished } from '../../src/node/link/unfinished.ts';
import { oneTooMany } from '../../src/node/membership/strangers.ts';
import { MessageRoom } from '../../src/protocols/wire/room.ts';
import { HeldClock } from '../pair/support/parties.ts';
import { YAMUX_FLAG, YAMUX_TYPE, yamuxFrame } from './peers/hostile-node.ts';
import { line, MULTISTREAM } from './peers/raw-socket.ts';
import { framed, varint } from './peers/talk.ts';

const rules = { isChosen: (name: string) => name === '/chosen', isPrefixed: () => true };

/** Cut at these places, in any number of chunks. */
function chunks(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => bytes.subarray(places[index]!, end));
}

function problemOf(bytes: Uint8Array, cuts: readonly number[] = []): string | undefined {
  const guard = new LengthGuard(rules);
  for (const chunk of chunks(bytes, cuts)) {
    const problem = guard.look(chunk);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

describe('the guard of lengths', () => {
  it('lets through a negotiation and messages of any size, however they are cut', () => {
    const sizes = fc.array(fc.nat(70_000), { maxLength: 5 });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat()), (lengths, cuts) => {
        const messages = lengths.map((length) => framed(new Uint8Array(length).fill(0xff)));
        assert.equal(
          problemOf(Buffer.concat([MULTISTREAM, line('/other'), line('/chosen'), ...messages]), cuts),
          undefined,
        );
      }),
    );
  });

  it('refuses a fifth byte of a length, before and after the negotiation, however it is cut', () => {
    const endless = new Uint8Array(6).fill(0x80);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        assert.match(problemOf(endless, cuts) ?? '', /a length of more than 4 bytes/);
        assert.match(
          problemOf(Buffer.concat([MULTISTREAM, line('/chosen'), endless]), cuts) ?? '',
          /more than 4 bytes/,
        );
      }),
    );
    assert.equal(problemOf(Buffer.concat([MULTISTREAM, line('/chosen'), varint(2 ** 28 - 1)])), undefined);
  });

  it('refuses too many lines, and one that is too long, while nothing is chosen', () => {
    const lines = Array.from({ length: NEGOTIATION_LINES_MAX }, () => line('/other'));
    assert.equal(problemOf(Buffer.concat(lines)), undefined);
    assert.match(problemOf(Buffer.concat([...lines, line('/other')])) ?? '', /lines to choose/);
    assert.match(problemOf(varint(1025)) ?? '', /a line of 1025 bytes/);
  });

  it('looks at nothing more once a protocol is chosen that has no lengths', () => {
    const guard = new LengthGuard({ ...rules, isPrefixed: () => false });
    assert.equal(guard.look(Buffer.concat([MULTISTREAM, line('/chosen'), new Uint8Array(100).fill(0x80)])), undefined);
    assert.ok(guard.isOver);
  });
});

function piece(bytes: number): Buffer {
  const made = Buffer.alloc(2 + bytes, 0xff);
  made.writeUInt16BE(bytes);
  return made;
}

describe('the guard of pieces', () => {
  it('has nothing under way between two pieces, and something at every other place, however they are cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.array(fc.nat()), (lengths, cuts) => {
        const guard = new PieceGuard();
        const lengthsSoFar = lengths.map((_, index) => lengths.slice(0, index + 1));
        const ends = new Set([0, ...lengthsSoFar.map((some) => some.reduce((sum, length) => sum + 2 + length, 0))]);
        let at = 0;
        for (const chunk of chunks(Buffer.concat(lengths.map(piece)), cuts)) {
          assert.equal(guard.look(chunk), undefined);
          at += chunk.length;
          assert.equal(guard.underWay === undefined, ends.has(at));
        }
      }),
    );
  });

  it('refuses a piece of nothing', () => {
    assert.match(new PieceGuard().look(Buffer.concat([piece(100), piece(0)])) ?? '', /a piece of nothing/);
  });

  it('follows from the first byte behind the negotiation, wherever it is cut', () => {
    const bytes = Buffer.concat([MULTISTREAM, line('/chosen'), piece(300), piece(1)]);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        const seen: Uint8Array[] = [];
        const stream = { onData: (data: Uint8Array) => void seen.push(data), abort: assert.fail };
        const guard = new PieceGuard();
        guardLengths(stream as never, { ...rules, isPrefixed: () => false }, guard);
        for (const chunk of chunks(bytes, cuts)) stream.onData(chunk);
        assert.equal(guard.underWay, undefined);
        assert.ok(Buffer.concat(seen).equals(bytes), 'all of it goes on as it is');
        stream.onData(Uint8Array.of(1));
        assert.ok(guard.underWay);
      }),
    );
  });
});

describe('what was begun and does not come', () => {
  /** At how many looks it was found, when so much comes between two of them. */
  function looksUntilFound(of: UnderWay, comes: () => void): number {
    const unfinished = new Unfinished(of);
    for (let looks = 1; looks < 1000; looks += 1) {
      if (unfinished.look()) return looks;
      comes();
    }
    return Number.POSITIVE_INFINITY;
  }

  it('is found after some looks, in Noise and in yamux', () => {
    const pieces = new PieceGuard();
    pieces.look(Uint8Array.of(0xff, 0xff));
    assert.equal(
      looksUntilFound(pieces, () => {}),
      UNFINISHED_LOOKS_MAX + 1,
    );
    const frames = new FrameGuard(new HeldClock());
    frames.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1, length: 1000 }));
    assert.equal(
      looksUntilFound(frames, () => {}),
      UNFINISHED_LOOKS_MAX + 1,
    );
  });

  it('is found although a few bytes come', () => {
    const frames = new FrameGuard(new HeldClock());
    frames.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1, length: YAMUX_WINDOW_BYTES }));
    assert.ok(looksUntilFound(frames, () => frames.look(new Uint8Array(10))) < Number.POSITIVE_INFINITY);
  });

  it('is nothing where it is slow but comes, or where all is whole', () => {
    const slow = new FrameGuard(new HeldClock());
    slow.look(yamuxFrame({ type: YAMUX_TYPE.data, stream: 1, length: YAMUX_WINDOW_BYTES }));
    const enough = UNFINISHED_STEP_BYTES / UNFINISHED_LOOKS_MAX;
    assert.equal(
      looksUntilFound(slow, () => slow.look(new Uint8Array(enough))),
      Number.POSITIVE_INFINITY,
    );
    assert.equal(
      looksUntilFound(new PieceGuard(), () => {}),
      Number.POSITIVE_INFINITY,
    );
    const busy = new PieceGuard();
    busy.look(Uint8Array.of(0));
    // Always in the middle of another one.
    assert.equal(
      looksUntilFound(busy, () => busy.look(Uint8Array.of(1, 9, 0))),
      Number.POSITIVE_INFINITY,
    );
  });
});

describe('the guard of frames', () => {
  const { data, ping, window } = YAMUX_TYPE;
  const { syn, rst } = YAMUX_FLAG;

  it('lets through frames up to a window, however they are cut, and looks into none', () => {
    const body = new Uint8Array(5000).fill(2);
    const bytes = Buffer.concat([
      yamuxFrame({ type: window, flags: syn, stream: 1 }),
      yamuxFrame({ type: data, stream: 1 }, body),
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        const guard = new FrameGuard(new HeldClock());
        for (const chunk of chunks(bytes, cuts)) guard.look(chunk);
      }),
    );
    const guard = new FrameGuard(new HeldClock());
    guard.look(yamuxFrame({ type: data, stream: 1, length: YAMUX_WINDOW_BYTES }));
  });

  it('refuses a frame beyond any window at its header', () => {
    const guard = new FrameGuard(new HeldClock());
    assert.throws(
      () => guard.look(yamuxFrame({ type: data, stream: 1, length: YAMUX_WINDOW_BYTES + 1 })),
      /a frame of/,
    );
  });

  it('refuses more pings, opened and reset streams than a burst, and takes them again later', () => {
    const signals = [
      yamuxFrame({ type: ping, flags: syn }),
      yamuxFrame({ type: window, flags: syn, stream: 1 }),
      yamuxFrame({ type: window, flags: rst, stream: 1 }),
    ];
    for (const signal of signals) {
      const clock = new HeldClock();
      const guard = new FrameGuard(clock);
      for (let count = 0; count < MUXER_SIGNALS_BURST; count += 1) guard.look(signal);
      assert.throws(() => guard.look(signal), /too many/);
    }
  });
});

describe('the room for messages', () => {
  it('has so much for a peer, and for all, and takes back what is over', () => {
    const room = new MessageRoom();
    assert.ok(room.take('a', CONTROL_BYTES_PER_PEER_MAX));
    assert.ok(!room.take('a', 1));
    const others = Array.from(
      { length: CONTROL_BYTES_MAX / CONTROL_BYTES_PER_PEER_MAX - 1 },
      (_, index) => `b${index}`,
    );
    for (const other of others) assert.ok(room.take(other, CONTROL_BYTES_PER_PEER_MAX));
    assert.ok(!room.take('c', 1));
    room.giveBack('a', CONTROL_BYTES_PER_PEER_MAX);
    assert.ok(room.take('c', 1));
    assert.ok(room.take('a', CONTROL_BYTES_PER_PEER_MAX - 1));
  });
});

describe('of strangers’ connections', () => {
  const from = (ip: string, open: number) =>
    ({ remoteAddr: `/ip4/${ip}/tcp/1`, timeline: { open } }) as unknown as Connection;

  it('the oldest of the host that has most goes when there is one too many', () => {
    const many = Array.from({ length: STRANGER_CONNECTIONS_MAX - 1 }, (_, index) => from('192.0.2.66', 100 + index));
    const one = from('192.0.2.7', 1);
    assert.equal(oneTooMany([one, ...many]), undefined);
    const newest = from('192.0.2.8', 999);
    assert.equal(oneTooMany([one, ...many, newest]), many[0]);
  });
});
