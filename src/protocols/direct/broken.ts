import { messageOf, ResettleError } from '../../common/errors.ts';

/** The stream ended or fell silent: nobody said no, and what was taken is good. */
class StreamBroken extends ResettleError {}

export function broken(peer: string, cause: unknown): ResettleError {
  if (cause instanceof StreamBroken) return cause;
  return new StreamBroken('failed', `the stream with ${peer} broke off: ${messageOf(cause)}`, {
    hint: 'check the cable and the other machine; it goes on where it stopped',
    cause,
  });
}

/** Whether a stream only broke off, so that another one can go on where it stopped. */
export function isBroken(error: unknown): boolean {
  return error instanceof StreamBroken;
}
