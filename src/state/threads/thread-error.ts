import { isErrorCode, messageOf, ResettleError } from '../../common/errors.ts';
import { codeOf } from '../fs/errno.ts';
import { saysFull } from '../fs/no-space.ts';

/** An error as it passes between threads: class and cause do not survive a structured clone. */
export interface ThreadError {
  readonly code: string | undefined;
  /** The code of a system call that failed, such as ENOSPC. */
  readonly errno: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

export function toThreadError(error: unknown): ThreadError {
  return {
    code: error instanceof ResettleError ? error.code : undefined,
    errno: codeOf(error instanceof ResettleError ? error.cause : error),
    message: messageOf(error),
    hint: error instanceof ResettleError ? error.hint : undefined,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

/**
 * The error on the other side: a ResettleError again, `failed` where it was none, `no-space` where a full disk was why
 * something failed that it names. Its cause has the errno, if any.
 */
export function fromThreadError(sent: ThreadError): ResettleError {
  const told = isErrorCode(sent.code) ? sent.code : 'failed';
  const code = sent.code === 'failed' && saysFull(sent.errno) ? 'no-space' : told;
  const cause = sent.errno === undefined ? undefined : Object.assign(new Error(sent.message), { code: sent.errno });
  const error = new ResettleError(code, sent.message, {
    ...(sent.hint === undefined ? {} : { hint: sent.hint }),
    cause,
  });
  if (sent.stack !== undefined) error.stack = sent.stack;
  return error;
}
