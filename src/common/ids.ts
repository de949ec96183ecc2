import { ResettleError } from './errors.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A libp2p peer id in its text form (base58btc of an Ed25519 identity multihash). */
export type PeerIdText = Branded<'PeerIdText'>;
/** BLAKE3 of the authority's public key, 64 hex digits. */
export type FleetId = Branded<'FleetId'>;
/** BLAKE3 over the source's peer id and a nonce, 64 hex digits. */
export type StateId = Branded<'StateId'>;
/** BLAKE3 of a pack's bytes, 64 hex digits. */
export type PackId = Branded<'PackId'>;
/** BLAKE3 of an association record's signed payload, 64 hex digits. */
export type AssociationId = Branded<'AssociationId'>;

const HASH_HEX = /^[0-9a-f]{64}$/;
/** base58btc of an Ed25519 peer id: always 52 characters that begin with 12D3KooW. */
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;

function hash<T extends string>(what: string, text: string): T {
  if (!HASH_HEX.test(text)) {
    throw new ResettleError('usage', `not a ${what}: ${JSON.stringify(text.slice(0, 80))}`, {
      hint: `a ${what} is 64 hexadecimal digits`,
    });
  }
  return text as T;
}

export const stateId = (text: string): StateId => hash<StateId>('state id', text);
export const packId = (text: string): PackId => hash<PackId>('pack id', text);
export const associationId = (text: string): AssociationId => hash<AssociationId>('association id', text);

/** A peer id in text, checked before it is used in any path or lookup. Throws `usage`. */
export function peerIdText(text: string): PeerIdText {
  if (!PEER_ID.test(text)) {
    throw new ResettleError('usage', `not a peer id: ${JSON.stringify(text.slice(0, 80))}`, {
      hint: 'a peer id has 52 characters and begins with 12D3KooW',
    });
  }
  return text as PeerIdText;
}
