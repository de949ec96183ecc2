import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Libp2p } from 'libp2p';
import { type PackId, packId } from '../../src/common/ids.ts';
import { DIRECT_BUFFERS, DIRECT_PACK_BYTES } from '../../src/common/limits.ts';
import type { DirectAsk, DirectSink, DirectTaker } from '../../src/common/ports.ts';
import { FRAME } from '../../src/protocols/blocks/frame.ts';
import { FrameStream } from '../../src/protocols/blocks/frame-stream.ts';
import { DIRECT_PROTOCOL, DirectOpen } from '../../src/protocols/direct/messages.ts';
import { connect } from '../protocols/support.ts';

export const SESSION = Uint8Array.from(randomBytes(64));
export const STATE_KEY = Uint8Array.from(randomBytes(32));
export const PULSE = { pulseMs: 20, silenceMs: 400 };
export const NONE = '0'.repeat(64);
export const never = new AbortController().signal;
export const THE_PLAN: DirectAsk = { what: 'plan', entries: new Uint8Array(0), offsets: [] };

export const idOf = (bytes: Uint8Array): PackId => packId(createHash('sha256').update(bytes).digest('hex'));
export const wait = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
export const pack = (sizeBytes: number): Uint8Array => Uint8Array.from(randomBytes(sizeBytes));

/** Keeps which packs it was given, in as many buffers as there are. */
export class Kept implements DirectTaker {
  readonly packs: PackId[] = [];
  readonly free: Uint8Array[] = Array.from({ length: DIRECT_BUFFERS }, () => new Uint8Array(DIRECT_PACK_BYTES));
  /** What each pack waits for. */
  before: (count: number) => Promise<void> = async () => {};

  borrow(): Uint8Array {
    return this.free.pop() ?? assert.fail('more packs at once than there are buffers');
  }
  async take(buffer: Uint8Array, sizeBytes: number): Promise<void> {
    this.packs.push(idOf(buffer.subarray(0, sizeBytes)));
    await this.before(this.packs.length);
    this.free.push(buffer);
  }
}

export async function putAll(packs: readonly Uint8Array[], sink: DirectSink, signal: AbortSignal): Promise<void> {
  await Promise.all(packs.map((bytes) => sink.put({ id: idOf(bytes), bytes }, signal)));
}

/** Throws the signal's reason, when it has one. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, no) => {
    if (signal.aborted) no(signal.reason);
    signal.addEventListener('abort', () => no(signal.reason), { once: true });
  });
}

/** A receiver by hand, which has said its opening. */
export async function openByHand(from: Libp2p, to: Libp2p, changed: Partial<DirectOpen> = {}): Promise<FrameStream> {
  const frames = new FrameStream(await (await connect(from, to)).newStream(DIRECT_PROTOCOL));
  const open = DirectOpen.encode({ session: SESSION, buffers: DIRECT_BUFFERS, ...changed });
  await frames.send(FRAME.open, NONE, 0, open);
  return frames;
}

/** Reads until a frame of that type has come, or the stream has ended: then undefined. */
export async function readUntil(frames: FrameStream, type: number): Promise<Uint8Array | undefined> {
  try {
    for (;;) {
      const header = await frames.readHeader();
      const payload = new Uint8Array(header.payloadBytes);
      await frames.readPayload(payload);
      if (header.type === type && (type !== FRAME.opened || payload.length > 0)) return payload;
    }
  } catch {
    return undefined;
  }
}

export async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (isTrue()) return;
    await wait(10);
  }
  assert.fail('it did not come true');
}
