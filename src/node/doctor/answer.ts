import type { Clock } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import {
  DOCTOR_ADDRESSES_MAX,
  DOCTOR_ANSWER_EVERY_MS,
  DOCTOR_ANSWERS_AT_ONCE,
  DOCTOR_TIMEOUT_MS,
} from '../../common/limits.ts';
import type { DoctorHost } from '../../protocols/doctor/doctor.ts';
import type { DoctorAnswer } from '../../protocols/doctor/messages.ts';
import type { AddressProbe } from './peer-checks.ts';
import type { Prober } from './probe.ts';
import { probeAll } from './probe-all.ts';

/** Members that asked lately are remembered for the rate limit; more than these are not in time. */
const REMEMBERED_MAX = 4096;

export interface AnswererOptions {
  /** The addresses that are known here of a peer, and how. */
  readonly addressesOf: (peerId: string) => readonly Pick<AddressProbe, 'address' | 'knownBy'>[];
  readonly hears: (peerId: string) => boolean;
  readonly probe: Prober;
  readonly clock: Clock;
}

/** Tells members how they are seen from here. Dials nobody but the asker, at what is known of it here. */
export class Answerer implements DoctorHost {
  readonly #options: AnswererOptions;
  readonly #askedAtMs = new Map<string, number>();
  #running = 0;

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** Throws `refused` for one that asks too often, and when too many ask at once. */
  async onDoctor(remotePeer: string): Promise<Partial<DoctorAnswer>> {
    const { addressesOf, hears, probe, clock } = this.#options;
    this.#admit(remotePeer);
    this.#running += 1;
    try {
      const signal = AbortSignal.timeout(DOCTOR_TIMEOUT_MS);
      const known = addressesOf(remotePeer).slice(0, DOCTOR_ADDRESSES_MAX);
      const probes = await probeAll(known, remotePeer, probe, signal, async (connection) => {
        await connection.close().catch(() => {}); // It was opened to see that it opens.
      });
      return {
        hears: hears(remotePeer),
        dials: probes.map(({ address, outcome, tookMs }) => ({ address, outcome, tookMs })),
        nowMs: clock.now(),
      };
    } finally {
      this.#running -= 1;
    }
  }

  #admit(peer: string): void {
    const nowMs = this.#options.clock.monotonicMs();
    const hint = 'ask again in a few seconds';
    if (nowMs - (this.#askedAtMs.get(peer) ?? Number.NEGATIVE_INFINITY) < DOCTOR_ANSWER_EVERY_MS) {
      throw new ResettleError('refused', 'this machine was asked a moment ago', { hint });
    }
    if (this.#running >= DOCTOR_ANSWERS_AT_ONCE) {
      throw new ResettleError('refused', 'this machine is answering others', { hint });
    }
    this.#askedAtMs.delete(peer);
    this.#askedAtMs.set(peer, nowMs);
    const oldest = this.#askedAtMs.keys().next().value;
    if (this.#askedAtMs.size > REMEMBERED_MAX && oldest !== undefined) this.#askedAtMs.delete(oldest);
  }
}
