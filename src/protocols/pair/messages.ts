import { ResettleError } from '../../common/errors.ts';
import { PAIRING_ABOUT_MAX_BYTES } from '../../common/limits.ts';
import { bytesField, countField, defineMessage, messageField, textField } from '../wire/message.ts';
import { POINT_BYTES } from './cpace.ts';
import { KINDS, type Kind, PURPOSES, type Purpose, REFUSALS, type Refusal, ROLES, type Role } from './types.ts';

export const PAIR_PROTOCOL = '/resettle/pair/1';
export const PAIRING_VERSION = 1;

export const NONCE_BYTES = 32;
export const TAG_BYTES = 32;
const HASH_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** The longest word of an enumeration, with room for those of a later version. */
const WORD_MAX_BYTES = 16;

/** First message, by who dialled. */
export interface Greeting {
  readonly type: 'greeting';
  readonly purpose: Purpose;
  readonly role: Role;
  readonly kind: Kind;
  /** The public digits of the code; empty for a scanned secret. */
  readonly number: string;
  readonly nonce: Uint8Array;
  /** Hash of what its sender will say about itself. */
  readonly commitment: Uint8Array;
}
/** Second message, by who was dialled. */
export interface Answer {
  readonly type: 'answer';
  readonly purpose: Purpose;
  readonly role: Role;
  readonly nonce: Uint8Array;
  readonly commitment: Uint8Array;
  readonly point: Uint8Array;
}
/** Third message, by who dialled. Its tag is set if the code was typed there. */
export interface ShareMessage {
  readonly type: 'share';
  readonly point: Uint8Array;
  readonly tag: Uint8Array | undefined;
}
/** What a commitment hid, and the signature of the pairing. */
export interface Opening {
  readonly salt: Uint8Array;
  readonly about: Uint8Array;
  readonly signature: Uint8Array;
}
/** A tag; with the opening if it comes from the side that shows the code, which has seen the other's tag. */
export interface Proof {
  readonly type: 'proof';
  readonly tag: Uint8Array;
  readonly opening: Opening | undefined;
}
/** Last message, by the side where the code was typed. */
export interface Opened {
  readonly type: 'opened';
  readonly opening: Opening;
}
/** Why it ends here. `undefined` is a reason that this version does not know. */
export interface Refused {
  readonly type: 'refused';
  readonly refusal: Refusal | undefined;
}
/** A first or second message of another version of the protocol. */
export interface OtherVersion {
  readonly type: 'other-version';
}
export type PairMessage = Greeting | Answer | ShareMessage | Proof | Opened | Refused;

const GreetingWire = defineMessage({
  version: countField(1),
  purpose: textField(2, WORD_MAX_BYTES),
  role: textField(3, WORD_MAX_BYTES),
  kind: textField(4, WORD_MAX_BYTES),
  number: textField(5, 3),
  nonce: bytesField(6, NONCE_BYTES),
  commitment: bytesField(7, HASH_BYTES),
});
const AnswerWire = defineMessage({
  version: countField(1),
  purpose: textField(2, WORD_MAX_BYTES),
  role: textField(3, WORD_MAX_BYTES),
  nonce: bytesField(4, NONCE_BYTES),
  commitment: bytesField(5, HASH_BYTES),
  point: bytesField(6, POINT_BYTES),
});
const ShareWire = defineMessage({ point: bytesField(1, POINT_BYTES), tag: bytesField(2, TAG_BYTES) });
const OpeningWire = defineMessage({
  salt: bytesField(1, NONCE_BYTES),
  about: bytesField(2, PAIRING_ABOUT_MAX_BYTES),
  signature: bytesField(3, SIGNATURE_BYTES),
});
const ProofWire = defineMessage({ tag: bytesField(1, TAG_BYTES), opening: messageField(2, OpeningWire) });
const Wire = defineMessage({
  greeting: messageField(1, GreetingWire),
  answer: messageField(2, AnswerWire),
  share: messageField(3, ShareWire),
  proof: messageField(4, ProofWire),
  opened: messageField(5, OpeningWire),
  refused: textField(6, WORD_MAX_BYTES),
});

export function encodePairMessage(message: PairMessage): Uint8Array {
  switch (message.type) {
    case 'greeting':
      return Wire.encode({ greeting: { version: PAIRING_VERSION, ...message } });
    case 'answer':
      return Wire.encode({ answer: { version: PAIRING_VERSION, ...message } });
    case 'share':
      return Wire.encode({ share: { point: message.point, tag: message.tag ?? new Uint8Array(0) } });
    case 'proof':
      return Wire.encode({ proof: { tag: message.tag, opening: message.opening } });
    case 'opened':
      return Wire.encode({ opened: message.opening });
    case 'refused':
      return Wire.encode({ refused: message.refusal ?? '?' });
  }
}

/** The message, every value of it checked for its length and range. Throws `damaged`. */
export function decodePairMessage(bytes: Uint8Array): PairMessage | OtherVersion {
  const { greeting, answer, share, proof, opened, refused } = Wire.decode(bytes);
  const set = [greeting, answer, share, proof, opened, refused || undefined].filter((one) => one !== undefined);
  if (set.length !== 1) throw new ResettleError('damaged', `a pairing message with ${set.length} parts, not one`);
  if (greeting) {
    if (greeting.version !== PAIRING_VERSION) return { type: 'other-version' };
    const kind = oneOf(KINDS, greeting.kind);
    if (!(kind === 'words' ? /^[0-9]{3}$/ : /^$/).test(greeting.number)) throw wrongValue('number');
    return { type: 'greeting', ...offerOf(greeting), kind, number: greeting.number };
  }
  if (answer) {
    if (answer.version !== PAIRING_VERSION) return { type: 'other-version' };
    return { type: 'answer', ...offerOf(answer), point: exactly(POINT_BYTES, answer.point) };
  }
  if (share) {
    const tag = share.tag.length === 0 ? undefined : exactly(TAG_BYTES, share.tag);
    return { type: 'share', point: exactly(POINT_BYTES, share.point), tag };
  }
  if (proof) {
    const opening = proof.opening && openingOf(proof.opening);
    return { type: 'proof', tag: exactly(TAG_BYTES, proof.tag), opening };
  }
  if (opened) return { type: 'opened', opening: openingOf(opened) };
  return { type: 'refused', refusal: REFUSALS.find((known) => known === refused) };
}

function offerOf(wire: { purpose: string; role: string; nonce: Uint8Array; commitment: Uint8Array }) {
  return {
    purpose: oneOf(PURPOSES, wire.purpose),
    role: oneOf(ROLES, wire.role),
    nonce: exactly(NONCE_BYTES, wire.nonce),
    commitment: exactly(HASH_BYTES, wire.commitment),
  };
}

function openingOf({ salt, about, signature }: Opening): Opening {
  return { salt: exactly(NONCE_BYTES, salt), about, signature: exactly(SIGNATURE_BYTES, signature) };
}

function oneOf<T extends string>(known: readonly T[], word: string): T {
  const found = known.find((one) => one === word);
  if (found === undefined) throw wrongValue('word');
  return found;
}

function exactly(count: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== count) throw wrongValue(`field of ${count} bytes`);
  return bytes;
}

function wrongValue(what: string): ResettleError {
  return new ResettleError('damaged', `a pairing message whose ${what} has a wrong value`);
}
