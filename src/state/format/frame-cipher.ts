import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { noteNativeBytes } from '../threads/collect.ts';
import { damaged } from './damaged.ts';

export const TAG_BYTES = 16;
const VERSION = 1;
const PIECE_BYTES = 64 * 1024;

/** What a sealed piece is; part of what its tag vouches for. */
export const KIND = { head: 0, content: 1, manifest: 2, padding: 3, descriptor: 4 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

const nonce = Buffer.alloc(12);
const additional = Buffer.alloc(11);

function prepare(kind: Kind, number: number, last: boolean): void {
  nonce.writeBigUInt64BE(BigInt(number), 4);
  additional[0] = VERSION;
  additional[1] = kind;
  nonce.copy(additional, 2, 4, 12);
  additional[10] = last ? 1 : 0;
}

/** Seals `plain` into `out` at `offset` with AES-256-GCM, tag behind it; returns the sealed length. */
export function sealInto(
  out: Uint8Array,
  offset: number,
  key: KeyObject,
  kind: Kind,
  number: number,
  last: boolean,
  plain: Uint8Array,
): number {
  prepare(kind, number, last);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(additional);
  // In pieces, so that the memory of each comes from the heap again and is still in the CPU's cache when it is copied.
  for (let at = 0; at < plain.length; at += PIECE_BYTES) {
    out.set(cipher.update(plain.subarray(at, at + PIECE_BYTES)), offset + at);
  }
  cipher.final();
  noteNativeBytes(plain.length);
  out.set(cipher.getAuthTag(), offset + plain.length);
  return plain.length + TAG_BYTES;
}

/**
 * Opens what `sealInto` made, into `into` where that is given. Throws `damaged` when any bit, the kind, the number or the
 * last-flag differ.
 */
export function open(
  key: KeyObject,
  kind: Kind,
  number: number,
  last: boolean,
  sealed: Uint8Array,
  into?: Buffer,
): Buffer {
  if (sealed.length < TAG_BYTES) throw damaged('a sealed piece is shorter than its tag');
  prepare(kind, number, last);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additional);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = into?.subarray(0, sealed.length - TAG_BYTES) ?? Buffer.allocUnsafeSlow(sealed.length - TAG_BYTES);
  for (let at = 0; at < plain.length; at += PIECE_BYTES) {
    plain.set(decipher.update(sealed.subarray(at, Math.min(at + PIECE_BYTES, plain.length))), at);
  }
  try {
    decipher.final();
  } catch (error) {
    throw damaged('a sealed piece does not open: it was altered, or the key is another one', error);
  }
  noteNativeBytes(into ? plain.length : 2 * plain.length);
  return plain;
}
