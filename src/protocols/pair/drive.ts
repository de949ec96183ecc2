/** Lets a run happen on a stream: sends, waits, counts and keeps the time for it. */
import type { Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import type { PeerIdText } from '../../common/ids.ts';
import { PAIRING_MESSAGE_MAX_BYTES, PAIRING_STEP_MS } from '../../common/limits.ts';
import type { Attempt, Guesses } from './guesses.ts';
import type { HourlyCap } from './hourly-cap.ts';
import { decodePairMessage, encodePairMessage, type PairMessage } from './messages.ts';
import { PairingRun, type RunEffect, type RunEvent } from './run.ts';
import type { Signer } from './statement.ts';
import type { Failure, Kind, Pairing, Role, Side } from './types.ts';

/** What both ends need, beside the stream. */
export interface PairingParty {
  /** The key of this machine for this pairing; its peer id is the one that the connection proves. */
  readonly self: Signer;
  /** What the other side is told once both have proved the code; at most PAIRING_ABOUT_MAX_BYTES. */
  readonly about: Uint8Array;
  readonly cap: HourlyCap;
  readonly random: RandomBytes;
  /** Default PAIRING_STEP_MS. */
  readonly stepMs?: number;
  /** Errors that do not change how the pairing ended. Nothing secret is in them. */
  readonly log: (error: unknown) => void;
}

export interface DriveOptions {
  readonly side: Side;
  readonly role: Role;
  readonly remote: PeerIdText;
  readonly guesses: Guesses;
  readonly signal: AbortSignal;
}

export type Outcome = { readonly pairing: Pairing } | { readonly failure: Failure };

/** Names of libp2p's errors for a length that no honest peer sends. */
const LENGTH_ERRORS: ReadonlySet<string> = new Set([
  'InvalidDataLengthError',
  'InvalidDataLengthLengthError',
  'InvalidMessageLengthError',
  'StreamBufferError',
]);

/** Runs to the end and closes the stream. Throws only what the durable count of guesses throws. */
export async function drive(stream: Stream, party: PairingParty, options: DriveOptions): Promise<Outcome> {
  const driven = new Driven(stream, party, options);
  try {
    const outcome = await driven.toTheEnd();
    await driven.close(outcome);
    return outcome;
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    driven.release();
  }
}

class Driven {
  readonly #stream: Stream;
  readonly #messages: ReturnType<typeof lpStream>;
  readonly #party: PairingParty;
  readonly #options: DriveOptions;
  readonly #run: PairingRun;
  #attempt: Attempt | undefined;
  #taken: number | undefined;
  #deadline: AbortSignal | undefined;

  constructor(stream: Stream, party: PairingParty, options: DriveOptions) {
    this.#stream = stream;
    this.#party = party;
    this.#options = options;
    this.#messages = lpStream(stream, {
      maxDataLength: PAIRING_MESSAGE_MAX_BYTES,
      maxBufferSize: 2 * PAIRING_MESSAGE_MAX_BYTES,
    });
    const { purpose, credentials } = options.guesses;
    this.#run = new PairingRun({ ...party, ...options, purpose, credentials });
  }

  async toTheEnd(): Promise<Outcome> {
    let event: RunEvent = { type: 'start' };
    for (;;) {
      let next: RunEvent | undefined;
      for (const effect of this.#run.on(event)) {
        if (effect.type === 'paired') {
          // A last message that could not be sent leaves the other side without a pairing: then there is none.
          if (next?.type === 'gone') return { failure: { reason: 'gone', counted: true, told: false } };
          await this.#giveBack();
          return { pairing: effect.pairing };
        }
        if (effect.type === 'failed') return { failure: effect.failure };
        next = (await this.#perform(effect)) ?? next;
      }
      event = next ?? (await this.#read());
    }
  }

  /** Does it; returns the event that comes of it, if one does. */
  async #perform(effect: RunEffect): Promise<RunEvent | undefined> {
    if (effect.type === 'timer') this.#deadline = this.#limit();
    else if (effect.type === 'count') return this.#count(effect.kind);
    else if (effect.type === 'use-up') this.#attempt?.useUp();
    else if (effect.type === 'send') return this.#send(effect.message);
    return undefined;
  }

  async #count(kind: Kind): Promise<RunEvent> {
    const attempt = this.#options.guesses.begin(kind);
    if (typeof attempt === 'string') return { type: 'not-allowed', refusal: attempt };
    this.#attempt = attempt;
    if (kind === 'words') {
      this.#taken = await this.#party.cap.take();
      if (this.#taken === undefined) return { type: 'not-allowed', refusal: 'cap' };
    }
    attempt.count();
    return { type: 'counted' };
  }

  async #giveBack(): Promise<void> {
    if (this.#taken === undefined) return;
    await this.#party.cap.giveBack(this.#taken).catch(this.#party.log);
  }

  async #send(message: PairMessage): Promise<RunEvent | undefined> {
    try {
      await this.#messages.write(encodePairMessage(message), { signal: this.#limit() });
      return undefined;
    } catch {
      // The stream has ended; what was to be said cannot be.
      return { type: 'gone' };
    }
  }

  async #read(): Promise<RunEvent> {
    const signal = this.#deadline ?? this.#limit();
    try {
      const bytes = await this.#messages.read({ signal });
      return { type: 'message', message: decodePairMessage(bytes.subarray()) };
    } catch (error) {
      if (error instanceof ResettleError) return { type: 'garbage' };
      if (error instanceof Error && LENGTH_ERRORS.has(error.name)) return { type: 'garbage' };
      return { type: signal.aborted && !this.#options.signal.aborted ? 'timeout' : 'gone' };
    }
  }

  /** One step's time, or the end of it all. */
  #limit(): AbortSignal {
    return AbortSignal.any([AbortSignal.timeout(this.#party.stepMs ?? PAIRING_STEP_MS), this.#options.signal]);
  }

  /** Closes so that a last message still arrives; whoever does not follow the protocol is cut off. */
  async close(outcome: Outcome): Promise<void> {
    const isRude = 'failure' in outcome && ['timeout', 'gone', 'bad-message'].includes(outcome.failure.reason);
    try {
      if (isRude) throw new Error('the pairing ended without an understanding');
      await this.#stream.close({ signal: this.#limit() });
    } catch (error) {
      this.#stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  release(): void {
    this.#attempt?.end();
  }
}
