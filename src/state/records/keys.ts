/** Ed25519 keys and the two forms of a peer id. Other kinds of key are refused. */
import {
  generateKeyPairFromSeed,
  publicKeyFromProtobuf,
  publicKeyFromRaw,
  publicKeyToProtobuf,
} from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey, PublicKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { asBuffer } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { type FleetId, type PeerIdText, peerIdText } from '../../common/ids.ts';
import { blake3 } from './hash.ts';

/** Identity multihash of a protobuf of an Ed25519 key: 6 fixed bytes, then the key. */
const PEER_ID_PREFIX = Buffer.from('002408011220', 'hex');
const KEY_PREFIX = PEER_ID_PREFIX.subarray(2);
const RAW_KEY_BYTES = 32;

export const PEER_ID_BYTES = PEER_ID_PREFIX.length + RAW_KEY_BYTES;
export const PUBLIC_KEY_BYTES = KEY_PREFIX.length + RAW_KEY_BYTES;

/** A new key pair from 32 bytes of the given randomness. */
export function newKey(random: RandomBytes): Promise<Ed25519PrivateKey> {
  return keyFromSeed(random(RAW_KEY_BYTES));
}

export function keyFromSeed(seed: Uint8Array): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', Uint8Array.from(seed));
}

/** The 32 bytes that `keyFromSeed` makes the same key from. */
export function seedOf(key: Ed25519PrivateKey): Uint8Array {
  return key.raw.subarray(0, RAW_KEY_BYTES);
}

/**
 * The text of a peer id takes 50 microseconds to make, and the same few stand in tens of thousands of records: those made
 * last are kept, some 200 bytes each.
 */
const TEXTS_MAX = 2048;
const texts = new Map<string, PeerIdText>();

export function peerIdOf(key: PublicKey): PeerIdText {
  const raw = asBuffer(key.raw).toString('latin1');
  const known = texts.get(raw);
  if (known !== undefined) return known;
  const text = peerIdText(key.toString());
  if (texts.size >= TEXTS_MAX) texts.delete(texts.keys().next().value as string);
  texts.set(raw, text);
  return text;
}

/** The key inside a libp2p protobuf. Throws `refused` for anything but Ed25519. */
export function publicKeyFrom(protobuf: Uint8Array): PublicKey {
  if (protobuf.length !== PUBLIC_KEY_BYTES || !asBuffer(protobuf).subarray(0, KEY_PREFIX.length).equals(KEY_PREFIX)) {
    throw new ResettleError('refused', 'the public key is not an Ed25519 key', { hint: 'ask the sender to update' });
  }
  return publicKeyFromProtobuf(protobuf);
}

export function peerIdBytes(peerId: PeerIdText): Uint8Array {
  return peerIdFromString(peerId).toMultihash().bytes;
}

export function peerIdFromBytes(bytes: Uint8Array): PeerIdText {
  if (bytes.length !== PEER_ID_BYTES || !asBuffer(bytes).subarray(0, PEER_ID_PREFIX.length).equals(PEER_ID_PREFIX)) {
    throw new ResettleError('refused', 'the bytes are not an Ed25519 peer id', { hint: 'ask the sender to update' });
  }
  return peerIdOf(publicKeyFromRaw(Uint8Array.from(bytes.subarray(PEER_ID_PREFIX.length))));
}

/** The fleet that an authority's key stands for. */
export function fleetIdOf(authorityKey: PublicKey | Uint8Array): FleetId {
  const protobuf = authorityKey instanceof Uint8Array ? authorityKey : publicKeyToProtobuf(authorityKey);
  return blake3(protobuf).toString('hex') as FleetId;
}
