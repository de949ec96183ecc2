import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ristretto255 } from '@noble/curves/ed25519.js';
import { PAIRING_FAILURES_MAX } from '../../src/common/limits.ts';
import { type Answer, decodePairMessage, type Greeting, type PairMessage } from '../../src/protocols/pair/messages.ts';
import type { RunEffect } from '../../src/protocols/pair/run.ts';
import type { Credential, Side } from '../../src/protocols/pair/types.ts';
import { WORDS } from '../../src/protocols/pair/words.ts';
import { newRun, newSigner, random, wordsCode } from './support/parties.ts';
import { World } from './support/world.ts';

const CODE = wordsCode('acid-zoom');
const [shower, typer, attacker] = [await newSigner(), await newSigner(), await newSigner()];

/** A run that shows the code, against an attacker who writes messages by hand. */
function shows(side: Side) {
  const run = newRun({ side, role: 'shows', credentials: [CODE], self: shower, remote: attacker.peerId });
  return { run, first: run.on({ type: 'start' }) };
}

function types(side: Side) {
  const run = newRun({ side, role: 'types', credentials: [CODE], self: typer, remote: attacker.peerId });
  return { run, first: run.on({ type: 'start' }) };
}

function sent<T extends PairMessage['type']>(effects: RunEffect[], type: T): Extract<PairMessage, { type: T }> {
  for (const effect of effects) {
    if (effect.type === 'send' && effect.message.type === type) {
      return effect.message as Extract<PairMessage, { type: T }>;
    }
  }
  return assert.fail(`no ${type} among ${effects.map((effect) => effect.type).join(', ')}`);
}

function failureOf(effects: RunEffect[]): string | undefined {
  for (const effect of effects) if (effect.type === 'failed') return effect.failure.reason;
  return undefined;
}

function greeting(changed: Partial<Greeting> = {}): Greeting {
  return {
    type: 'greeting',
    purpose: 'send',
    role: 'types',
    kind: 'words',
    number: '042',
    nonce: random(32),
    commitment: random(32),
    ...changed,
  };
}

function answer(changed: Partial<Answer> = {}): Answer {
  const point = ristretto255.Point.BASE.multiply(7n).toBytes();
  return {
    type: 'answer',
    purpose: 'send',
    role: 'shows',
    nonce: random(32),
    commitment: random(32),
    point,
    ...changed,
  };
}

describe('a run of pairing refuses', () => {
  it('a greeting for another code, purpose, role or version, before it counts a guess', () => {
    const cases: [Partial<Greeting>, string][] = [
      [{ number: '043' }, 'no-code'],
      [{ kind: 'scan', number: '' }, 'no-code'],
      [{ purpose: 'enrol' }, 'misfit'],
      [{ role: 'shows' }, 'misfit'],
    ];
    for (const [changed, reason] of cases) {
      const effects = shows('responder').run.on({ type: 'message', message: greeting(changed) });
      assert.equal(sent(effects, 'refused').refusal, reason);
      assert.deepEqual(effects.at(-1), { type: 'failed', failure: { reason, counted: false, told: false } });
    }
    const later = shows('responder').run.on({ type: 'message', message: { type: 'other-version' } });
    assert.equal(sent(later, 'refused').refusal, 'version');
  });

  it('its own peer id at the other end', () => {
    for (const side of ['initiator', 'responder'] as const) {
      const run = newRun({ side, role: 'shows', credentials: [CODE], self: shower, remote: shower.peerId });
      assert.equal(failureOf(run.on({ type: 'start' })), 'reflected');
    }
  });

  it('its own nonce, commitment or point that comes back', () => {
    const dialled = types('initiator');
    const own = sent(dialled.first, 'greeting');
    const mirrored = answer({ nonce: own.nonce });
    assert.equal(failureOf(dialled.run.on({ type: 'message', message: mirrored })), 'reflected');

    const again = types('initiator');
    const { commitment } = sent(again.first, 'greeting');
    assert.equal(failureOf(again.run.on({ type: 'message', message: answer({ commitment }) })), 'reflected');

    const { run } = shows('responder');
    run.on({ type: 'message', message: greeting() });
    const { point } = sent(run.on({ type: 'counted' }), 'answer');
    const share: PairMessage = { type: 'share', point, tag: random(32) };
    assert.equal(failureOf(run.on({ type: 'message', message: share })), 'reflected');
  });

  it('its own tag that comes back: each direction has a key of its own', () => {
    const { run } = types('responder');
    run.on({ type: 'message', message: greeting({ role: 'shows' }) });
    run.on({ type: 'counted' });
    const point = ristretto255.Point.BASE.multiply(7n).toBytes();
    const { tag } = sent(run.on({ type: 'message', message: { type: 'share', point, tag: undefined } }), 'proof');
    const opening = { salt: random(32), about: random(3), signature: random(64) };
    const effects = run.on({ type: 'message', message: { type: 'proof', tag, opening } });
    assert.equal(failureOf(effects), 'wrong-code');
  });

  it('the identity, and bytes that are no point, after the guess is counted', () => {
    for (const point of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      const { run } = shows('responder');
      run.on({ type: 'message', message: greeting() });
      run.on({ type: 'counted' });
      const effects = run.on({ type: 'message', message: { type: 'share', point, tag: random(32) } });
      assert.deepEqual(effects, [{ type: 'failed', failure: { reason: 'bad-message', counted: true, told: false } }]);

      const dialled = types('initiator');
      dialled.run.on({ type: 'message', message: answer({ point }) });
      assert.deepEqual(dialled.run.on({ type: 'counted' }), effects);
    }
  });

  it('a share without a proof from the side that typed the code, and a proof from the side that shows it', () => {
    const point = ristretto255.Point.BASE.multiply(7n).toBytes();
    const shown = shows('responder').run;
    shown.on({ type: 'message', message: greeting() });
    shown.on({ type: 'counted' });
    assert.equal(
      failureOf(shown.on({ type: 'message', message: { type: 'share', point, tag: undefined } })),
      'bad-message',
    );
    const typed = types('responder').run;
    typed.on({ type: 'message', message: greeting({ role: 'shows' }) });
    typed.on({ type: 'counted' });
    assert.equal(
      failureOf(typed.on({ type: 'message', message: { type: 'share', point, tag: random(32) } })),
      'bad-message',
    );
  });

  it('an offer or a signature that is not the one that was bound', () => {
    for (const changed of ['about', 'salt', 'signature'] as const) {
      const world = new World();
      const shown = world.shown(CODE);
      const guesses = world.typed(CODE);
      const a = world.endpoint({ side: 'responder', role: 'shows', self: shower, remote: typer, guesses: shown });
      const b = world.endpoint({ side: 'initiator', role: 'types', self: typer, remote: shower, guesses });
      world.pipe(b, a);
      // Only a side that knows the code can do this: it says something else than it had bound.
      world.pipe(a, b, (bytes) => {
        const message = decodePairMessage(bytes);
        if (message.type !== 'proof') return [bytes];
        const at = Buffer.from(bytes).indexOf(Buffer.from(message.opening![changed]));
        const other = Uint8Array.from(bytes);
        other[at]! ^= 1;
        return [other];
      });
      for (const one of [a, b]) one.feed({ type: 'start' });
      world.play([]);
      assert.equal(b.failure?.reason, 'bad-opening', changed);
      assert.equal(a.pairing, undefined);
    }
  });

  it('everything that comes after its end', () => {
    const { run } = shows('responder');
    assert.equal(failureOf(run.on({ type: 'timeout' })), 'timeout');
    assert.ok(run.isOver);
    for (const type of ['counted', 'gone', 'garbage', 'timeout', 'start'] as const)
      assert.deepEqual(run.on({ type }), []);
    assert.deepEqual(run.on({ type: 'message', message: greeting() }), []);
  });

  it('a machine that vanishes after our point: that is a guess, and before it is none', () => {
    const early = shows('responder').run;
    early.on({ type: 'message', message: greeting() });
    assert.deepEqual(early.on({ type: 'gone' }).at(-1), {
      type: 'failed',
      failure: { reason: 'gone', counted: false, told: false },
    });
    const late = shows('responder').run;
    late.on({ type: 'message', message: greeting() });
    late.on({ type: 'counted' });
    assert.deepEqual(late.on({ type: 'gone' }).at(-1), {
      type: 'failed',
      failure: { reason: 'gone', counted: true, told: false },
    });
  });
});

/** What an attacker can do next: guess at the machine that shows the code, at the one that typed it, or just spoil. */
const MOVES = ['guess-at-shower', 'guess-at-typer', 'vanish'] as const;
type Move = (typeof MOVES)[number];

/** Plays the moves against a code, with a fresh guess each; returns the guesses tested, and whether one was right. */
function attack(code: Credential, guesses: readonly Credential[], moves: readonly Move[]) {
  const world = new World();
  const shown = world.shown(code);
  const typed = world.typed(code);
  let [tested, won] = [0, false];
  for (const move of moves) {
    const guess = guesses[tested]!;
    const atShower = move !== 'guess-at-typer';
    const victim = atShower
      ? world.endpoint({ side: 'responder', role: 'shows', self: shower, remote: attacker, guesses: shown })
      : world.endpoint({ side: 'initiator', role: 'types', self: typer, remote: attacker, guesses: typed });
    const mine = atShower
      ? world.endpoint({
          side: 'initiator',
          role: 'types',
          self: attacker,
          remote: shower,
          guesses: world.typed(guess),
        })
      : world.endpoint({
          side: 'responder',
          role: 'shows',
          self: attacker,
          remote: typer,
          guesses: world.shown(guess),
        });
    let learnt = false;
    world.pipe(mine, victim, (bytes, at) => (move === 'vanish' && at > 0 ? [] : [bytes]));
    world.pipe(victim, mine, (bytes) => {
      // An answer to a tag, or a tag: what tells an attacker whether this one guess is right.
      const message = decodePairMessage(bytes);
      const isTag = message.type === 'share' && message.tag !== undefined;
      const isVerdict = message.type === 'proof' || (message.type === 'refused' && message.refusal === 'wrong-code');
      learnt ||= isTag || (atShower && isVerdict);
      return [bytes];
    });
    for (const one of atShower ? [victim, mine] : [mine, victim]) one.feed({ type: 'start' });
    world.play([]);
    if (learnt) tested += 1;
    won ||= victim.pairing !== undefined;
  }
  return { tested, won };
}

describe('what an attacker may hope for', () => {
  /** More codes than he has guesses; the true one may be any of them. */
  const CODES = ['acid-acid', 'acid-zoom', 'zoom-acid', 'zoom-zoom', 'yeti-zero'].map((words) => wordsCode(words));
  const GUESSES_IN_ALL = PAIRING_FAILURES_MAX + 1;

  it('is three guesses a code, two at the machine that shows it and one at the one that typed it, in any order', () => {
    let most = 0;
    for (const plan of plansOf(4)) {
      let wins = 0;
      for (const code of CODES) {
        const { tested, won } = attack(code, CODES, plan);
        assert.ok(tested <= GUESSES_IN_ALL, `${plan.join(', ')}: ${tested} guesses`);
        if (won) wins += 1;
      }
      assert.ok(wins <= GUESSES_IN_ALL, `${plan.join(', ')} wins for ${wins} of ${CODES.length} codes`);
      most = Math.max(most, wins);
    }
    // The bound is reached: the count is of what happens, not of what is refused for another reason.
    assert.equal(most, GUESSES_IN_ALL);
  });

  it('is 1 in 559,872 with the words that codes have', () => {
    assert.equal(GUESSES_IN_ALL / WORDS.length ** 2, 1 / 559_872);
  });
});

function plansOf(length: number): Move[][] {
  if (length === 0) return [[]];
  return plansOf(length - 1).flatMap((plan) => MOVES.map((move): Move[] => [...plan, move]));
}
