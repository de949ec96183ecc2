/** What an association says of users, areas and paths: sealed to its parties, so that nobody else learns names (T14). */
import { Decrypter, Encrypter } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import { SEALED_MAX_BYTES, TERMS_ITEMS_MAX, TERMS_PATH_MAX_CHARS } from '../../common/limits.ts';
import { decodeStrict, encodeStrict, integer, list, malformed, mapOf, text } from './fields.ts';

export interface UserMapping {
  readonly from: string;
  readonly to: string;
}

export interface AssociationTerms {
  /** Names or numbers of users of the source whose homes are captured. */
  readonly users: readonly string[];
  readonly areas: readonly string[];
  /** Absolute paths of the source. */
  readonly paths: readonly string[];
  /** Who on the destination shall own what was a user's of the source. */
  readonly mapUsers: readonly UserMapping[];
}

const VERSION = 1;
const user = text(/^[^\s:=/\p{Cc}\p{Cf}]{1,64}$/u);
const area = text(/^[a-z][a-z0-9-]{0,31}$/);
const path = text(new RegExp(`^/[^\\0]{0,${TERMS_PATH_MAX_CHARS - 1}}$`, 'u'));

const codec = mapOf({
  version: integer(VERSION, VERSION),
  users: list(user, TERMS_ITEMS_MAX),
  areas: list(area, TERMS_ITEMS_MAX),
  paths: list(path, TERMS_ITEMS_MAX),
  mapUsers: list(mapOf({ from: user, to: user }), TERMS_ITEMS_MAX),
});

/** The bytes that are sealed. Throws `refused` for terms that are out of their limits. */
export function encodeTerms(terms: AssociationTerms): Uint8Array {
  return encodeStrict(codec, { version: VERSION, ...terms });
}

/** Throws `refused` for anything that `encodeTerms` does not write. */
export function decodeTerms(bytes: Uint8Array): AssociationTerms {
  const { version: _, ...terms } = decodeStrict(codec, bytes, 'the terms of the association', SEALED_MAX_BYTES);
  return terms;
}

/** Terms in one age file that each of the recipients opens. Throws `usage` where that gets too large for a record. */
export async function sealTerms(terms: AssociationTerms, recipients: readonly string[]): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) encrypter.addRecipient(recipient);
  const sealed = await encrypter.encrypt(encodeTerms(terms));
  if (sealed.length > SEALED_MAX_BYTES) {
    throw new ResettleError(
      'usage',
      `users, areas and paths of this association take ${sealed.length} bytes, sealed to ${recipients.length} machines, of at most ${SEALED_MAX_BYTES}`,
      { hint: 'name folders instead of many single paths' },
    );
  }
  return sealed;
}

/** Throws `refused` where they are sealed to others, or altered. */
export async function openTerms(sealed: Uint8Array, ageIdentity: string): Promise<AssociationTerms> {
  if (sealed.length > SEALED_MAX_BYTES) throw malformed('the terms of the association are too long');
  const decrypter = new Decrypter();
  decrypter.addIdentity(ageIdentity);
  let bytes: Uint8Array;
  try {
    bytes = await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new ResettleError('refused', 'the terms of the association do not open with the key of this machine', {
      hint: 'whoever made the association sealed them to another machine; make it anew',
      cause,
    });
  }
  return decodeTerms(bytes);
}
