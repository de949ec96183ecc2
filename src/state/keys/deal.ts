/** A deal: the source's signed word on how one sealed key was split, by which every single share is checked. */
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { combine, split } from 'shamir-secret-sharing';
import { asBuffer, bytesOfHex, hexOf } from '../../common/bytes.ts';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { type AssociationId, associationId, type PeerIdText, type StateId, stateId } from '../../common/ids.ts';
import { SHARE_MAX_BYTES } from '../../common/limits.ts';
import { areShareTerms, type ShareTerms } from '../../common/share-terms.ts';
import { DIGEST_BYTES, digest } from '../format/digest.ts';

const DOMAIN = Buffer.from('resettle/1 deal');
const VERSION = 1;
const ID_BYTES = 16;
const SIGNATURE_BYTES = 64;
/** version, needed, total, association, state, id; then a hash for each share, then the signature. */
const HEAD_BYTES = 3 + DIGEST_BYTES + DIGEST_BYTES + ID_BYTES;

export interface Deal extends ShareTerms {
  readonly association: AssociationId;
  readonly state: StateId;
  /** 32 hex digits, random: shares of two deals do not fit each other. */
  readonly id: string;
  /** BLAKE3 of each share, 64 hex digits, in their order. */
  readonly hashes: readonly string[];
  /** As it is sent and kept, signature included. */
  readonly bytes: Uint8Array;
}

export interface DealOptions {
  readonly association: AssociationId;
  readonly state: StateId;
  readonly terms: ShareTerms;
  /** The source's. */
  readonly privateKey: PrivateKey;
  readonly random: RandomBytes;
}

/** Splits a secret so that `terms.needed` of the shares bring it back, and fewer tell nothing but its length. */
export async function dealShares(
  secret: Uint8Array,
  { association, state, terms, privateKey, random }: DealOptions,
): Promise<{ deal: Deal; shares: readonly Uint8Array[] }> {
  if (!areShareTerms(terms) || secret.length === 0 || secret.length >= SHARE_MAX_BYTES) {
    throw new ResettleError('failed', `${secret.length} bytes cannot be split ${terms.needed} of ${terms.total}`);
  }
  // The library takes nothing but plain arrays.
  const shares = await split(Uint8Array.from(secret), terms.total, terms.needed);
  const id = hexOf(random(ID_BYTES));
  const hashes = shares.map(shareHash);
  const signed = Buffer.concat([
    Buffer.of(VERSION, terms.needed, terms.total),
    bytesOfHex(association),
    bytesOfHex(state),
    bytesOfHex(id),
    ...hashes.map(bytesOfHex),
  ]);
  const signature = await privateKey.sign(Buffer.concat([DOMAIN, signed]));
  const bytes = new Uint8Array(Buffer.concat([signed, signature]));
  return { deal: { ...terms, association, state, id, hashes, bytes }, shares };
}

/** Reads a deal and verifies that this source signed it. Throws `damaged` for what is no deal, `refused` for another's. */
export async function openDeal(bytes: Uint8Array, source: PeerIdText): Promise<Deal> {
  const deal = readDeal(bytes);
  const signed = Buffer.concat([DOMAIN, bytes.subarray(0, -SIGNATURE_BYTES)]);
  const key = peerIdFromString(source).publicKey;
  if (!key || !(await key.verify(signed, bytes.subarray(-SIGNATURE_BYTES)))) {
    throw new ResettleError('refused', 'these shares were not dealt by the source of the association', {
      hint: 'the sender is damaged or hostile',
    });
  }
  return deal;
}

/** Reads a deal that was verified before, or is about to be. Throws `damaged`. */
export function readDeal(bytes: Uint8Array): Deal {
  const [version, needed = 0, total = 0] = bytes;
  const size = HEAD_BYTES + total * DIGEST_BYTES + SIGNATURE_BYTES;
  if (version !== VERSION || !areShareTerms({ needed, total }) || bytes.length !== size) {
    throw new ResettleError('damaged', 'this is not a deal of shares', { hint: 'the sender is of another version' });
  }
  let at = 3;
  const next = (length: number): string => {
    at += length;
    return hexOf(bytes.subarray(at - length, at));
  };
  return {
    needed,
    total,
    association: associationId(next(DIGEST_BYTES)),
    state: stateId(next(DIGEST_BYTES)),
    id: next(ID_BYTES),
    hashes: Array.from({ length: total }, () => next(DIGEST_BYTES)),
    bytes: Uint8Array.from(bytes),
  };
}

/** What stands in a deal for a share, and in its holder's event: BLAKE3, 64 hex digits. */
export function shareHash(share: Uint8Array): string {
  return digest(share).toString('hex');
}

/** Which share of a deal this is, from 0; undefined where it is none of them. */
export function indexOfShare(deal: Deal, share: Uint8Array): number | undefined {
  if (share.length < 2 || share.length > SHARE_MAX_BYTES) return undefined;
  const index = deal.hashes.indexOf(shareHash(share));
  return index < 0 ? undefined : index;
}

/** The secret out of shares of one deal. Throws `damaged` for a share that is not of this deal, `usage` for too few. */
export async function combineShares(deal: Deal, shares: readonly Uint8Array[]): Promise<Uint8Array> {
  const byIndex = new Map<number, Uint8Array>();
  for (const share of shares) {
    const index = indexOfShare(deal, share);
    if (index === undefined) throw new ResettleError('damaged', 'a share is not of this deal');
    byIndex.set(index, share);
  }
  if (byIndex.size < deal.needed) {
    throw new ResettleError('usage', `the key needs ${deal.needed} shares, and only ${byIndex.size} are here`);
  }
  const enough = [...byIndex.values()].slice(0, deal.needed).map((share) => Uint8Array.from(asBuffer(share)));
  return await combine(enough).catch((cause: unknown) => {
    // Shares of different lengths, or two for one place: the source dealt wrongly.
    throw new ResettleError('damaged', 'the shares of this deal do not fit together', { cause });
  });
}
