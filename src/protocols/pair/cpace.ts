/**
 * CPace, a balanced password-authenticated key exchange: draft-irtf-cfrg-cpace, cipher suite CPACE-RISTR255-SHA512, in
 * the setting where one side is the initiator. Two sides that hold the same secret (PRS) get the same key (ISK); one
 * that guessed wrong gets another key and learns nothing but that. Nothing here sends, waits or decides.
 *
 *   g   = map(SHA-512(lv(DSI) lv(PRS) lv(zeros) lv(CI) lv(sid)))    the generator that the secret chooses
 *   Y   = g * y                                                     what each side sends, y is a fresh scalar
 *   K   = Yother * y                                                refused if it does not decode or is the identity
 *   ISK = SHA-512(lv(DSI "_ISK") lv(sid) lv(K) transcript)
 *
 * with lv(x) the length of x (LEB128) and x, and the transcript lv(Yi) lv(ADi) lv(Yr) lv(ADr). The map and the group
 * are those of RFC 9496. Names in capitals are the draft's. Tested step by step against the draft's own vectors.
 */
import { createHash } from 'node:crypto';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';

const DSI = Buffer.from('CPaceRistretto255');
const DSI_ISK = Buffer.from('CPaceRistretto255_ISK');
const DSI_SID_OUTPUT = Buffer.from('CPaceSidOutput');
/** Bytes that SHA-512 takes in one block: the padding fills the first one, so that the secret's length is not timed. */
const HASH_BLOCK_BYTES = 128;
/** An encoded point, and an encoded scalar. */
export const POINT_BYTES = 32;
/** Twice the group's size, so that what a remainder prefers is below 2^-256. */
const SCALAR_SEED_BYTES = 64;

const Scalar = ristretto255.Point.Fn;

export type Point = InstanceType<typeof ristretto255.Point>;

/** What one side sends: its public point and the data that it binds to it (AD). */
export interface Share {
  readonly point: Uint8Array;
  readonly associatedData: Uint8Array;
}

function prependLength(bytes: Uint8Array): Uint8Array {
  const length: number[] = [];
  let rest = bytes.length;
  do {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** Each part with its length in front, one after another: no two different lists give the same bytes. */
export function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts.map(prependLength));
}

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The generator that secret, channel identifier and session id choose: `calculate_generator`. */
export function generatorOf(secret: Uint8Array, channel: Uint8Array, sessionId: Uint8Array): Point {
  const used = 1 + prependLength(secret).length + prependLength(DSI).length;
  const padding = Buffer.alloc(Math.max(0, HASH_BLOCK_BYTES - used));
  return ristretto255_hasher.deriveToCurve!(sha512(lvCat(DSI, secret, padding, channel, sessionId))) as Point;
}

/** A scalar from 1 to the group's order - 1: `sample_scalar`. */
export function sampleScalar(random: RandomBytes): bigint {
  const seed = BigInt(`0x${Buffer.from(random(SCALAR_SEED_BYTES)).toString('hex')}`);
  return (seed % (Scalar.ORDER - 1n)) + 1n;
}

/** The public point of a scalar: `scalar_mult`. By the library's multiplication for secret scalars. */
export function publicPoint(generator: Point, scalar: bigint): Uint8Array {
  return generator.multiply(scalar).toBytes();
}

/** The other side's point times our scalar: `scalar_mult_vfy`. Throws `refused` for the identity and for no point. */
export function sharedPoint(otherPoint: Uint8Array, scalar: bigint): Uint8Array {
  let point: Point;
  try {
    point = ristretto255.Point.fromBytes(otherPoint);
  } catch (cause) {
    throw new ResettleError('refused', 'the other machine sent a value that is no point of the group', {
      hint: 'that machine does not follow the protocol; make a new code and pair with another one',
      cause,
    });
  }
  // The group has prime order and the scalar is not a multiple of it, so only the identity gives the identity.
  if (point.is0()) {
    throw new ResettleError('refused', 'the other machine sent the identity of the group', {
      hint: 'that machine does not follow the protocol; make a new code and pair with another one',
    });
  }
  return point.multiply(scalar).toBytes();
}

/** Both shares in the order initiator, responder: `transcript_ir`. */
export function transcriptOf(initiator: Share, responder: Share): Uint8Array {
  return Buffer.concat([
    lvCat(initiator.point, initiator.associatedData),
    lvCat(responder.point, responder.associatedData),
  ]);
}

/** The key of 64 bytes that both sides get: ISK. */
export function sessionKey(sessionId: Uint8Array, shared: Uint8Array, transcript: Uint8Array): Uint8Array {
  return sha512(lvCat(DSI_ISK, sessionId, shared), transcript);
}

/** A public name of the run, 64 bytes: what both sides sent, hashed. `sid_output`. */
export function sessionName(transcript: Uint8Array): Uint8Array {
  return sha512(DSI_SID_OUTPUT, transcript);
}
