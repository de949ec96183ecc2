import { ResettleError } from '../../common/errors.ts';
import { PAIRING_COUNTED_PER_HOUR_MAX } from '../../common/limits.ts';
import type { CodeStatus } from './guesses.ts';
import type { Failure, FailureReason } from './types.ts';

type Words = readonly [code: 'refused' | 'failed', message: string, hint: string];

const NEW_CODE = 'let the other machine show a new code, and type that';

/** For the person at the machine where the code was typed. */
const BY_REASON: Record<FailureReason, Words> = {
  'wrong-code': ['refused', 'the code is not the one that it shows', `look at its screen: ${NEW_CODE}`],
  'no-code': ['refused', 'it shows another code', 'compare the three digits, or look for the machine that shows them'],
  over: ['refused', 'the code was used or burnt, or it has expired', NEW_CODE],
  busy: [
    'refused',
    'it is pairing with another machine at this moment',
    'see its screen; if that is not yours, make a new code',
  ],
  cap: [
    'refused',
    `there were ${PAIRING_COUNTED_PER_HOUR_MAX} attempts without success within an hour`,
    'wait an hour, or scan the QR code; somebody may be guessing codes on this network',
  ],
  version: ['refused', 'it speaks another version of the pairing protocol', 'update resettle on both machines'],
  misfit: ['refused', 'its code is for something else', 'see which command shows the code, and use its counterpart'],
  refused: ['refused', 'it refused without a reason that this version knows', 'update resettle on both machines'],
  reflected: ['refused', 'our own messages came back', 'this machine reached itself or a mirror; check the address'],
  'bad-message': [
    'refused',
    'it does not follow the pairing protocol',
    `it may not be the machine that you mean; ${NEW_CODE}`,
  ],
  'bad-opening': [
    'refused',
    'what it says is not what it was bound to',
    `it may not be the machine that you mean; ${NEW_CODE}`,
  ],
  timeout: ['failed', 'it did not answer in time', `check that it still runs; ${NEW_CODE}`],
  gone: ['failed', 'the connection ended', `check the cable and its screen; ${NEW_CODE}`],
};

/** A failed run, in words. Exit 4 where the code or the other machine is at fault, 1 where the network is. */
export function errorOfFailure(failure: Failure, remote: string): ResettleError {
  const [code, message, hint] = BY_REASON[failure.reason];
  const isOurCap = failure.reason === 'cap' && !failure.told;
  return new ResettleError(code, `no pairing with ${remote}: ${isOurCap ? `here, ${message}` : message}`, { hint });
}

const BY_STATUS: Record<Exclude<CodeStatus, 'live'>, string> = {
  used: 'the code was proved by a machine that then went away',
  burnt: 'the code is burnt: two attempts with it failed',
  expired: 'the code has expired',
  withdrawn: 'the code was taken back',
};

/** A shown code that came to nothing. */
export function errorOfEndedCode(status: Exclude<CodeStatus, 'live'>): ResettleError {
  return new ResettleError('refused', BY_STATUS[status], { hint: 'start the command again for a new code' });
}
