import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PAIRING_FAILURES_MAX } from '../../src/common/limits.ts';
import type { RunEvent } from '../../src/protocols/pair/run.ts';
import { isSignedByBoth, type Signer, statementOf } from '../../src/protocols/pair/statement.ts';
import type { Credential, Role, Side } from '../../src/protocols/pair/types.ts';
import { anyMessage } from './support/messages.ts';
import { newRun, newSigner, random, shownRecord, wordsCode } from './support/parties.ts';
import { type Endpoint, World } from './support/world.ts';

const RIGHT = wordsCode('acid-zoom');
const WRONG = wordsCode('acid-zone');
const shower = await newSigner();
const relays: [Signer, Signer] = [await newSigner(), await newSigner()];
const typers: Signer[] = [await newSigner(), await newSigner(), await newSigner(), await newSigner()];

/** What a machine on the way, or the typing side itself, does to the messages. */
type Way = 'straight' | 'vanish' | 'repeat' | 'change' | 'reflect' | 'relay' | 'relay-and-change';
interface Peer {
  readonly knows: boolean;
  readonly way: Way;
  /** At which message, and which bit of it. */
  readonly at: number;
  readonly bit: number;
  readonly showerDials: boolean;
}

interface Pair {
  readonly peer: Peer;
  readonly shows: Endpoint;
  readonly types: Endpoint;
}

/** Peers that may succeed: they know the code, and nobody changes anything. */
const isHonest = ({ knows, way }: Peer): boolean => knows && way === 'straight';

function connect(world: World, shown: ReturnType<World['shown']>, typer: Signer, peer: Peer): Pair {
  const [showsSide, typesSide]: [Side, Side] = peer.showerDials
    ? ['initiator', 'responder']
    : ['responder', 'initiator'];
  const relayed = peer.way === 'relay' || peer.way === 'relay-and-change';
  const shows = world.endpoint({
    side: showsSide,
    role: 'shows',
    self: shower,
    remote: relayed ? relays[0] : typer,
    guesses: shown,
  });
  const types = world.endpoint({
    side: typesSide,
    role: 'types',
    self: typer,
    remote: relayed ? relays[1] : shower,
    guesses: world.typed(peer.knows ? RIGHT : WRONG),
  });
  const change = (bytes: Uint8Array, at: number): Uint8Array[] => {
    if (peer.way === 'vanish' && at >= peer.at) return [];
    if (peer.way === 'repeat' && at === peer.at) return [bytes, bytes];
    if ((peer.way === 'change' || peer.way === 'relay-and-change') && at === peer.at) {
      const changed = Uint8Array.from(bytes);
      changed[(peer.bit >> 3) % changed.length]! ^= 1 << (peer.bit & 7);
      return [changed];
    }
    return [bytes];
  };
  world.pipe(types, shows, change);
  world.pipe(shows, types, change);
  if (peer.way === 'reflect') {
    world.pipe(types, types);
    world.pipe(shows, shows);
  }
  const dials = peer.showerDials ? shows : types;
  const answers = peer.showerDials ? types : shows;
  answers.feed({ type: 'start' });
  world.later(() => dials.feed({ type: 'start' }));
  return { peer, shows, types };
}

function play(peers: readonly Peer[], choices: readonly number[]) {
  const world = new World();
  const shown = world.shown(RIGHT);
  const pairs = peers.map((peer, at) => connect(world, shown, typers[at]!, peer));
  world.play(choices);
  return { shown, pairs };
}

const peerOf = (...ways: Way[]): fc.Arbitrary<Peer> =>
  fc.record({
    knows: fc.boolean(),
    way: fc.constantFrom(...ways),
    at: fc.nat(2),
    bit: fc.nat(4095),
    showerDials: fc.boolean(),
  });
const anyPeer = peerOf('straight', 'vanish', 'repeat', 'change', 'reflect', 'relay', 'relay-and-change');
const choices = fc.array(fc.nat(50), { maxLength: 60 });

describe('a run of pairing', () => {
  for (const showerDials of [false, true]) {
    it(`pairs two that have the same code, when who ${showerDials ? 'shows' : 'types'} it dials`, () => {
      const { shown, pairs } = play([{ knows: true, way: 'straight', at: 0, bit: 0, showerDials }], []);
      const [a, b] = [pairs[0]!.shows.pairing, pairs[0]!.types.pairing];
      assert.ok(a && b, 'no pairing');
      assert.equal(shownRecord(a.record), shownRecord(b.record));
      assert.ok(isSignedByBoth(a.record));
      assert.deepEqual([a.remote, b.remote], [typers[0]!.peerId, shower.peerId]);
      const abouts = [a.remoteAbout, b.remoteAbout].map((bytes) => Buffer.from(bytes).toString());
      assert.deepEqual(abouts, ['types', 'shows']);
      assert.equal(shown.status, 'used');
    });
  }

  it('works with a scanned secret in the same way, and refuses another one', () => {
    const [secret, other]: Credential[] = [
      { kind: 'scan', secret: random(16) },
      { kind: 'scan', secret: random(16) },
    ];
    for (const [scanned, expected] of [
      [secret!, 'paired'],
      [other!, 'wrong-code'],
    ] as const) {
      const world = new World();
      const shown = world.shown(secret!);
      const guesses = world.typed(scanned);
      const shows = world.endpoint({
        side: 'responder',
        role: 'shows',
        self: shower,
        remote: typers[0]!,
        guesses: shown,
      });
      const types = world.endpoint({ side: 'initiator', role: 'types', self: typers[0]!, remote: shower, guesses });
      world.pipe(types, shows);
      world.pipe(shows, types);
      for (const one of [shows, types]) one.feed({ type: 'start' });
      world.play([]);
      assert.equal(shows.failure?.reason ?? 'paired', expected);
      assert.equal(types.failure?.reason ?? 'paired', expected);
    }
  });

  it('never succeeds twice on a code, nor for another code or over a relay, in any interleaving of peers of every kind', () => {
    fc.assert(
      fc.property(fc.array(anyPeer, { minLength: 1, maxLength: 4 }), choices, (peers, picks) => {
        const { shown, pairs } = play(peers, picks);
        const paired = pairs.filter(({ shows, types }) => shows.pairing || types.pairing);
        assert.ok(paired.length <= 1, 'two successes on one code');
        for (const { peer, shows, types } of paired) {
          assert.ok(peer.knows && !peer.way.startsWith('relay'), peer.way);
          // Who shows the code never has a pairing that the other one lacks.
          if (shows.pairing) assert.equal(shownRecord(types.pairing?.record), shownRecord(shows.pairing.record));
          assert.ok(isSignedByBoth((types.pairing ?? shows.pairing)!.record));
          assert.equal(shown.status, 'used');
        }
        checkCounts(shown, pairs);
      }),
      { numRuns: 400 },
    );
  });

  it('succeeds for an honest peer, and counts a failure each, where at most one other peer tries as well', () => {
    const honest = peerOf('straight').map((peer) => ({ ...peer, knows: true }));
    fc.assert(
      fc.property(honest, anyPeer, (good, bad) => {
        // One after the other: at the same time the second one is told "busy" and tries again by hand.
        const world = new World();
        const shown = world.shown(RIGHT);
        const first = connect(world, shown, typers[0]!, bad);
        world.play([]);
        const provedByFirst = shown.status === 'used';
        const second = connect(world, shown, typers[1]!, good);
        world.play([]);
        assert.equal(second.shows.pairing !== undefined, !provedByFirst);
        assert.equal(second.types.pairing !== undefined, !provedByFirst);
        checkCounts(shown, [first, second]);
      }),
      { numRuns: 60 },
    );
  });

  it('fails on both legs of a man in the middle, whoever dials, and costs each side one guess', () => {
    for (const showerDials of [false, true]) {
      const { shown, pairs } = play([{ knows: true, way: 'relay', at: 0, bit: 0, showerDials }], []);
      const { shows, types } = pairs[0]!;
      assert.deepEqual([shows.failure?.reason, types.failure?.reason], ['wrong-code', 'wrong-code']);
      assert.equal(shown.failuresLeft, PAIRING_FAILURES_MAX - 1);
      assert.ok((types.guesses as ReturnType<World['typed']>).isSpent);
    }
  });

  it('pairs with nobody who lacks the code, and ends once, whatever messages and events come in whatever order', () => {
    const event: fc.Arbitrary<RunEvent> = fc.oneof(
      { weight: 8, arbitrary: anyMessage.map((message): RunEvent => ({ type: 'message', message })) },
      { weight: 1, arbitrary: fc.constantFrom<RunEvent>({ type: 'garbage' }, { type: 'timeout' }, { type: 'gone' }) },
    );
    const side = fc.constantFrom<Side>('initiator', 'responder');
    const role = fc.constantFrom<Role>('shows', 'types');
    fc.assert(
      fc.property(side, role, fc.array(event, { maxLength: 6 }), (side, role, events) => {
        const self = role === 'shows' ? shower : typers[0]!;
        const run = newRun({ side, role, credentials: [RIGHT], self, remote: relays[0].peerId });
        const waiting: RunEvent[] = [{ type: 'start' }, ...events.map((one) => fitting(one, side, role))];
        const seen: string[] = [];
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          for (const effect of run.on(next)) {
            seen.push(effect.type);
            if (effect.type === 'count') waiting.unshift({ type: 'counted' });
          }
        }
        assert.equal(seen.filter((one) => one === 'failed').length, run.isOver ? 1 : 0);
        assert.ok(seen.filter((one) => one === 'count').length <= 1);
        assert.equal(seen.includes('paired') || seen.includes('use-up'), false);
      }),
      { numRuns: 400 },
    );
  });

  it('of an honest peer fails only as busy or over, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(peerOf('straight'), { minLength: 2, maxLength: 4 }), choices, (peers, picks) => {
        const { pairs } = play(peers, picks);
        for (const { peer, types } of pairs) {
          const reason = types.failure?.reason ?? 'paired';
          const possible = isHonest(peer) ? ['paired', 'busy', 'over'] : ['wrong-code', 'busy', 'over'];
          assert.ok(possible.includes(reason), reason);
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** The event, with what a hostile peer would get right in it: the other role, the purpose, the digits. */
function fitting(event: RunEvent, side: Side, role: Role): RunEvent {
  if (event.type !== 'message') return event;
  const right = { purpose: 'send', role: role === 'shows' ? 'types' : 'shows' } as const;
  const { message } = event;
  if (message.type === 'greeting' && side === 'responder') {
    return { type: 'message', message: { ...message, ...right, kind: 'words', number: '042' } };
  }
  return message.type === 'answer' ? { type: 'message', message: { ...message, ...right } } : event;
}

/** Every counted run but a successful one is a failure; each typed code was counted at most once. */
function checkCounts(shown: ReturnType<World['shown']>, pairs: readonly Pair[]): void {
  const counted = pairs.reduce((sum, { shows }) => sum + shows.counted, 0);
  assert.ok(counted <= PAIRING_FAILURES_MAX, `${counted} runs counted`);
  assert.equal(shown.failuresLeft, PAIRING_FAILURES_MAX - counted);
  if (counted === PAIRING_FAILURES_MAX) assert.notEqual(shown.status, 'live');
  for (const { shows, types } of pairs) {
    assert.ok(types.counted <= 1 && shows.counted <= 1);
    for (const one of [shows, types]) {
      if (one.failure) assert.equal(one.failure.counted, one.counted === 1);
      if (one.pairing) assert.equal(one.counted, 1);
    }
  }
}

describe('the statement of a pairing', () => {
  it('counts with both signatures, over every field', async () => {
    const { pairs } = play([{ knows: true, way: 'straight', at: 0, bit: 0, showerDials: false }], []);
    const { record } = pairs[0]!.types.pairing!;
    assert.ok(isSignedByBoth(record));
    const other = (await newSigner()).peerId;
    const session = Uint8Array.from(record.session);
    session[0]! ^= 1;
    const { initiator, responder } = record.signatures;
    for (const changed of [
      { ...record, purpose: 'enrol' as const },
      { ...record, initiator: other },
      { ...record, responder: other },
      { ...record, session },
      { ...record, signatures: { initiator: responder, responder: initiator } },
    ]) {
      assert.equal(isSignedByBoth(changed), false);
    }
    assert.notDeepEqual(statementOf(record), statementOf({ ...record, purpose: 'enrol' }));
  });
});
