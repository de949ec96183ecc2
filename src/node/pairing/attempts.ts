import { PAIRING_ATTEMPTS_TOLD_MAX } from '../../common/limits.ts';
import type { FailedAttempt } from '../../protocols/pair/pair.ts';
import type { FailureReason } from '../../protocols/pair/types.ts';
import type { PairingEmit, PairingEvent } from './types.ts';

/** For the person at the machine that shows the code. */
const BY_REASON: Record<FailureReason, string> = {
  'wrong-code': 'other words were typed there',
  'no-code': 'another number was typed there',
  over: 'it came too late',
  busy: 'another machine was pairing at that moment',
  cap: 'there were too many attempts without success within an hour',
  version: 'it speaks another version of the pairing protocol',
  misfit: 'its code is for something else',
  refused: 'it broke off',
  reflected: 'it sent our own messages back',
  'bad-message': 'it does not follow the pairing protocol',
  'bad-opening': 'what it says is not what it was bound to',
  timeout: 'it did not answer in time',
  gone: 'it went away',
};

/** Tells of runs that came to nothing. Those that cost the code nothing have no end: only the first of them are told. */
export class AttemptTeller {
  readonly #emit: PairingEmit;
  #harmless = 0;

  constructor(emit: PairingEmit) {
    this.#emit = emit;
  }

  tell(attempt: FailedAttempt): void {
    const event = attemptEvent(attempt);
    if (!attempt.failure.counted) this.#harmless += 1;
    if (attempt.failure.counted || this.#harmless < PAIRING_ATTEMPTS_TOLD_MAX) this.#emit(event);
    else if (this.#harmless === PAIRING_ATTEMPTS_TOLD_MAX) {
      this.#emit({ ...event, message: `${event.message}; more that leave it whole are not told` });
    }
  }
}

/** A run that came to nothing, in words. */
function attemptEvent({ remote, failure, failuresLeft }: FailedAttempt): PairingEvent & { event: 'attempt' } {
  const consequence = !failure.counted
    ? 'the code is whole'
    : failuresLeft > 0
      ? `${failuresLeft} ${failuresLeft === 1 ? 'attempt is' : 'attempts are'} left`
      : 'the code is burnt';
  return {
    event: 'attempt',
    remote,
    reason: failure.reason,
    message: `a machine (${remote.slice(-8)}) tried to pair: ${BY_REASON[failure.reason]}; ${consequence}`,
    attemptsLeft: failuresLeft,
  };
}
