import type { DirectAsk } from '../../common/ports.ts';
import type { TellsOfRestore } from '../restore/messages.ts';

export type ToReceiveWorker =
  /** A pack of the answer. */
  | { readonly type: 'pack'; readonly buffer: ArrayBuffer; readonly sizeBytes: number }
  /** The answer is over; whole, or the stream broke off. */
  | { readonly type: 'answered'; readonly whole: boolean };

export type FromReceiveWorker =
  | TellsOfRestore
  | { readonly type: 'ask'; readonly ask: DirectAsk }
  /** The pack that came first of those that are not used yet. */
  | { readonly type: 'used'; readonly buffer: ArrayBuffer };
