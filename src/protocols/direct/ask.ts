/** A question on the wire: a frame `want` with its head, then its entries, then its offsets, both as data. */
import { ResettleError } from '../../common/errors.ts';
import { DIRECT_ENTRIES_MAX_BYTES, DIRECT_OFFSETS_MAX } from '../../common/limits.ts';
import type { DirectAsk } from '../../common/ports.ts';
import { FRAME, type FrameHeader } from '../blocks/frame.ts';
import type { FrameStream } from '../blocks/frame-stream.ts';
import { type Incoming, NO_PACK } from './incoming.ts';
import { DirectAskHead } from './messages.ts';

const KINDS = ['plan', 'compare', 'content'] as const;
/** u32 entry · u64 offset, little-endian. */
const OFFSET_BYTES = 12;

export interface ReadAsk {
  readonly ask: DirectAsk;
  /** Its packs shall go over the bulk socket. */
  readonly overBulk: boolean;
}

/** Throws RangeError where an ask is beyond its limits. */
export function checkAsk(ask: DirectAsk): void {
  const problem = problemOf(ask.what, ask.entries.length, ask.offsets.length) ?? problemOfOffsets(ask.offsets);
  if (problem) throw new RangeError(`an ask with ${problem}`);
}

/** Sends what `checkAsk` accepts. The memory of `ask.entries` stays as it is until the answer is whole. */
export async function sendAsk(frames: FrameStream, ask: DirectAsk, overBulk: boolean): Promise<void> {
  const [what, entriesBytes, offsets] = [KINDS.indexOf(ask.what) + 1, ask.entries.length, ask.offsets.length];
  const head = { what, entriesBytes, offsets, overBulk };
  await frames.send(FRAME.want, NO_PACK, 0, DirectAskHead.encode(head));
  await frames.sendPack(NO_PACK, ask.entries, 0);
  await frames.sendPack(NO_PACK, encodeOffsets(ask.offsets), 0);
}

/** Reads what follows a frame `want`. Its size is looked at before there is memory for it. Throws `damaged`. */
export async function readAsk(incoming: Incoming, header: FrameHeader): Promise<ReadAsk> {
  if (header.pack !== NO_PACK || header.number !== 0) throw incoming.unexpected(header);
  const head = DirectAskHead.decode(await incoming.payload(header));
  const what = KINDS[head.what - 1];
  if (!what) throw damaged('of an unknown kind');
  const problem = problemOf(what, head.entriesBytes, head.offsets);
  if (problem) throw damaged(`with ${problem}`);
  const entries = new Uint8Array(head.entriesBytes);
  await incoming.fill(NO_PACK, entries);
  const encoded = new Uint8Array(head.offsets * OFFSET_BYTES);
  await incoming.fill(NO_PACK, encoded);
  return { ask: { what, entries, offsets: decodeOffsets(encoded) }, overBulk: head.overBulk };
}

export function encodeOffsets(offsets: DirectAsk['offsets']): Uint8Array {
  const bytes = new Uint8Array(offsets.length * OFFSET_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, { entry, offset }] of offsets.entries()) {
    view.setUint32(index * OFFSET_BYTES, entry, true);
    view.setBigUint64(index * OFFSET_BYTES + 4, BigInt(offset), true);
  }
  return bytes;
}

/** Throws `damaged` where entries do not ascend or an offset is beyond any file. */
export function decodeOffsets(bytes: Uint8Array): DirectAsk['offsets'] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const offsets = Array.from({ length: bytes.length / OFFSET_BYTES }, (_, index) => ({
    entry: view.getUint32(index * OFFSET_BYTES, true),
    // Whatever is above 2^53 is rounded to what is above it, too.
    offset: Number(view.getBigUint64(index * OFFSET_BYTES + 4, true)),
  }));
  const problem = problemOfOffsets(offsets);
  if (problem) throw damaged(`with ${problem}`);
  return offsets;
}

function problemOf(what: DirectAsk['what'], entriesBytes: number, offsets: number): string | undefined {
  if (entriesBytes > DIRECT_ENTRIES_MAX_BYTES) return `${entriesBytes} bytes of entries`;
  if (offsets > DIRECT_OFFSETS_MAX) return `${offsets} offsets`;
  if (what === 'plan' && entriesBytes + offsets > 0) return 'entries of the plan, which is asked for whole';
  return undefined;
}

function problemOfOffsets(offsets: DirectAsk['offsets']): string | undefined {
  let last = -1;
  for (const { entry, offset } of offsets) {
    if (!Number.isInteger(entry) || entry <= last || entry > 0xffff_ffff) return `entry ${entry} after ${last}`;
    if (!Number.isSafeInteger(offset) || offset < 0) return `offset ${offset}`;
    last = entry;
  }
  return undefined;
}

function damaged(what: string): ResettleError {
  return new ResettleError('damaged', `an ask ${what}`);
}
