import type { FailedAttempt } from '../../protocols/pair/pair.ts';
import type { FailureReason } from '../../protocols/pair/types.ts';
import type { PairingEvent } from './types.ts';

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

/** A run that came to nothing, in words. */
export function attemptEvent({ remote, failure, failuresLeft }: FailedAttempt): PairingEvent {
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
