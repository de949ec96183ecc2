/** Words that behaviours are told in: raw bytes on a stream, and how the other side took them. */
import assert from 'node:assert/strict';
import type { Connection, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import type { Uint8ArrayList } from 'uint8arraylist';
import type { MessageCodec } from '../../../src/protocols/wire/message.ts';

/** As long as an agent takes for anything that it is asked; who is not refused by then was not refused. */
export const REFUSED_WITHIN_MS = 30_000;

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** A message as control protocols send it. */
export function framed(body: Uint8Array): Buffer {
  return Buffer.concat([varint(body.length), body]);
}

/** How a stream ended: how much came over it, and whether it was reset. */
export interface StreamEnd {
  readonly bytes: number;
  readonly wasReset: boolean;
}

/** Settles when the other side has ended the stream. Throws when it does not. */
export function ending(stream: Stream, withinMs = REFUSED_WITHIN_MS): Promise<StreamEnd> {
  const over = Promise.withResolvers<StreamEnd>();
  let bytes = 0;
  const timer = setTimeout(() => over.reject(new Error(`not refused within ${withinMs / 1000} s`)), withinMs);
  const end = (wasReset: boolean): void => {
    clearTimeout(timer);
    over.resolve({ bytes, wasReset });
  };
  stream.addEventListener('message', ({ data }: { data: Uint8Array | Uint8ArrayList }) => {
    bytes += data.byteLength;
  });
  stream.addEventListener('remoteCloseWrite', () => end(false));
  stream.addEventListener('close', (event) => end(event.error !== undefined));
  if (stream.status !== 'open') end(stream.status !== 'closed');
  return over.promise;
}

/** Settles when the other side has closed the connection. */
export async function ended(connection: Connection): Promise<void> {
  if (connection.status !== 'open') return;
  await new Promise((closed) => connection.addEventListener('close', closed));
}

/** Opens a stream, writes that, and sees it reset without an answer. */
export async function assertReset(
  connection: Connection,
  protocol: string,
  bytes: Uint8Array,
  { halfClose = false, withinMs = REFUSED_WITHIN_MS } = {},
): Promise<void> {
  const stream = await connection.newStream(protocol, { signal: AbortSignal.timeout(REFUSED_WITHIN_MS) });
  const over = ending(stream, withinMs);
  try {
    stream.send(bytes);
    if (halfClose) await stream.close({ signal: AbortSignal.timeout(withinMs) });
  } catch {
    // It was ended while we wrote.
  }
  const { bytes: answered, wasReset } = await over;
  assert.equal(answered, 0, 'nothing is answered');
  assert.ok(wasReset || halfClose, 'the stream is reset');
}

/** A stranger's, or a revoked member's, stream: reset at once, or never opened. */
export async function assertNotServed(connection: Connection, protocol: string): Promise<void> {
  const signal = AbortSignal.timeout(REFUSED_WITHIN_MS);
  let answered = 0;
  await assert.rejects(async () => {
    const stream = await connection.newStream(protocol, { signal });
    const messages = lpStream(stream);
    await messages.write(Buffer.from([8, 1]), { signal });
    answered = (await messages.read({ signal })).byteLength;
  });
  assert.equal(answered, 0);
  assert.ok(!signal.aborted, 'it was refused at once, not left waiting');
}

/** One request, as written by hand, and its answer. */
export async function ask<A>(
  connection: Connection,
  protocol: string,
  body: Uint8Array,
  answer: MessageCodec<A>,
): Promise<A> {
  const signal = AbortSignal.timeout(REFUSED_WITHIN_MS);
  const stream = await connection.newStream(protocol, { signal });
  const messages = lpStream(stream);
  await messages.write(body, { signal });
  const value = answer.decode((await messages.read({ signal })).subarray());
  await stream.close({ signal }).catch(() => {});
  return value;
}
