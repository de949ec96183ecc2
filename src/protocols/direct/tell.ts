import { DIRECT_CLOSE_MS } from '../../common/limits.ts';
import { FRAME } from '../blocks/frame.ts';
import type { FrameStream } from '../blocks/frame-stream.ts';
import { Fault, faultOf } from '../wire/fault.ts';
import { NO_PACK } from './incoming.ts';

/** Says why it ends here, as far as the other side may know and can still be reached, and ends the stream. Throws nothing. */
export async function tellAndEnd(frames: FrameStream, error: Error): Promise<void> {
  const timer = setTimeout(() => frames.abort(error), DIRECT_CLOSE_MS);
  try {
    await frames.send(FRAME.bad, NO_PACK, 0, Fault.encode(faultOf(error)));
    await frames.close(AbortSignal.timeout(DIRECT_CLOSE_MS));
  } catch {
    // The other side may be gone; the error itself is thrown by the caller.
  } finally {
    clearTimeout(timer);
    frames.abort(error);
  }
}

export function errorFrom(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
