/**
 * A world of pairing runs without a network: every message, count and end is a step that waits until it is chosen, so
 * that any interleaving can be played. Messages cross as bytes. The counting is the product's own.
 */
import { type Attempt, type Guesses, ShownCode, TypedCode } from '../../../src/protocols/pair/guesses.ts';
import { decodePairMessage, encodePairMessage } from '../../../src/protocols/pair/messages.ts';
import type { PairingRun, RunEvent } from '../../../src/protocols/pair/run.ts';
import type { Signer } from '../../../src/protocols/pair/statement.ts';
import type { Credential, Failure, Pairing, Role, Side } from '../../../src/protocols/pair/types.ts';
import { HeldClock, newRun } from './parties.ts';

export type Result = { readonly pairing: Pairing } | { readonly failure: Failure };
export type Deliver = (bytes: Uint8Array) => void;

/** One run, and the code that it uses. */
export class Endpoint {
  readonly guesses: Guesses;
  readonly world: World;
  /** Where its messages go. */
  out: Deliver = () => {};
  result: Result | undefined;
  counted = 0;
  readonly #run: PairingRun;
  #attempt: Attempt | undefined;

  constructor(world: World, run: PairingRun, guesses: Guesses) {
    this.world = world;
    this.guesses = guesses;
    this.#run = run;
    world.endpoints.push(this);
  }

  get pairing(): Pairing | undefined {
    return this.result && 'pairing' in this.result ? this.result.pairing : undefined;
  }

  get failure(): Failure | undefined {
    return this.result && 'failure' in this.result ? this.result.failure : undefined;
  }

  /** Bytes from the wire. */
  receive(bytes: Uint8Array): void {
    let event: RunEvent;
    try {
      event = { type: 'message', message: decodePairMessage(bytes) };
    } catch {
      event = { type: 'garbage' };
    }
    this.feed(event);
  }

  feed(event: RunEvent): void {
    for (const effect of this.#run.on(event)) {
      if (effect.type === 'send') this.out(encodePairMessage(effect.message));
      else if (effect.type === 'count') this.world.later(() => this.#count(effect.kind));
      else if (effect.type === 'use-up') this.#attempt!.useUp();
      else if (effect.type === 'paired') this.#end({ pairing: effect.pairing });
      else if (effect.type === 'failed') this.#end({ failure: effect.failure });
    }
  }

  #count(kind: Credential['kind']): void {
    if (this.result) return;
    const attempt = this.guesses.begin(kind);
    if (typeof attempt === 'string') {
      this.feed({ type: 'not-allowed', refusal: attempt });
      return;
    }
    this.#attempt = attempt;
    attempt.count();
    this.counted += 1;
    this.feed({ type: 'counted' });
  }

  #end(result: Result): void {
    if (this.result) throw new Error('a run ended twice');
    this.result = result;
    this.#attempt?.end();
  }
}

export class World {
  readonly clock = new HeldClock();
  readonly endpoints: Endpoint[] = [];
  readonly #waiting: (() => void)[] = [];

  later(step: () => void): void {
    this.#waiting.push(step);
  }

  /** Plays the steps in the order that `choices` picks, then the rest in turn; who still waits then is timed out. */
  play(choices: readonly number[]): void {
    let chosen = 0;
    for (;;) {
      if (this.#waiting.length > 0) {
        const at = (choices[chosen++] ?? 0) % this.#waiting.length;
        this.#waiting.splice(at, 1)[0]!();
      } else {
        const waiting = this.endpoints.find((one) => !one.result);
        if (!waiting) return;
        waiting.feed({ type: 'timeout' });
      }
    }
  }

  shown(credential: Credential): ShownCode {
    return new ShownCode('send', [credential], this.clock);
  }

  typed(credential: Credential): TypedCode {
    return new TypedCode('send', credential);
  }

  endpoint(who: { side: Side; role: Role; self: Signer; remote: Signer; guesses: Guesses }): Endpoint {
    const { guesses, remote } = who;
    const run = newRun({ ...who, remote: remote.peerId, credentials: guesses.credentials, purpose: guesses.purpose });
    return new Endpoint(this, run, guesses);
  }

  /** Messages of `from` reach `to`, each as what `change` makes of it, in order. */
  pipe(
    from: Endpoint,
    to: Endpoint,
    change: (bytes: Uint8Array, at: number) => Uint8Array[] = (bytes) => [bytes],
  ): void {
    let at = 0;
    const inOrder: Uint8Array[] = [];
    const before = from.out;
    from.out = (bytes) => {
      before(bytes);
      for (const one of change(bytes, at++)) {
        inOrder.push(one);
        this.later(() => to.receive(inOrder.shift()!));
      }
    };
  }
}
