import { createHash, hkdfSync } from 'node:crypto';
import { identityToRecipient } from 'age-encryption';
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { bech32 } from './bech32.ts';
import { regroupBits } from './regroup-bits.ts';

/** No I, L, O and U: they are read as others, or make words. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const READ_AS: Readonly<Record<string, string>> = { I: '1', L: '1', O: '0' };
/** 160 bits: nobody guesses them, so no slow derivation is needed. */
const SECRET_BYTES = 20;
const SECRET_DIGITS = 32;
const CHECK_DIGITS = 4;
const GROUP = 4;
const TEXT_MAX_CHARS = 200;
const LABEL = 'resettle/1 recovery code';

/** A new code in groups, such as `7ZK2-…`: 160 bits, and a last group by which typing errors are found. */
export function newRecoveryCode(random: RandomBytes): string {
  return textOf(random(SECRET_BYTES));
}

/**
 * The age identity (`AGE-SECRET-KEY-1…`) that follows from a code as a person typed it. Upper or lower case, groups or
 * none. Throws `usage` for a typing error; a code without one that does not fit is told by the key file.
 */
export function identityOfRecoveryCode(code: string): string {
  const scalar = new Uint8Array(hkdfSync('sha256', secretOf(code), new Uint8Array(0), LABEL, 32));
  return bech32('age-secret-key-', scalar).toUpperCase();
}

/** The age recipient (`age1…`) that is published in an association, so that captures wrap their key to the code. */
export function recipientOfRecoveryCode(code: string): Promise<string> {
  return identityToRecipient(identityOfRecoveryCode(code));
}

function textOf(secret: Uint8Array): string {
  const digits = [...regroupBits(secret, 8, 5, false), ...checkOf(secret)].map((digit) => DIGITS[digit]).join('');
  return digits.match(new RegExp(`.{${GROUP}}`, 'g'))!.join('-');
}

function checkOf(secret: Uint8Array): number[] {
  const hash = createHash('sha256').update(LABEL).update(secret).digest();
  return regroupBits(hash, 8, 5, false).slice(0, CHECK_DIGITS);
}

function secretOf(code: string): Uint8Array {
  if (code.length > TEXT_MAX_CHARS) throw mistyped('it is much too long');
  const chars = [...code.toUpperCase().replace(/[\s-]/g, '')].map((char) => READ_AS[char] ?? char);
  const strange = chars.find((char) => !DIGITS.includes(char));
  if (strange !== undefined) throw mistyped(`no code has the character ${JSON.stringify(strange)}`);
  if (chars.length !== SECRET_DIGITS + CHECK_DIGITS) {
    throw mistyped(`it has ${chars.length} characters, not ${SECRET_DIGITS + CHECK_DIGITS}`);
  }
  const digits = chars.map((char) => DIGITS.indexOf(char));
  const secret = Uint8Array.from(regroupBits(digits.slice(0, SECRET_DIGITS), 5, 8, false));
  if (checkOf(secret).some((digit, index) => digit !== digits[SECRET_DIGITS + index])) {
    throw mistyped('its last group does not fit the others');
  }
  return secret;
}

function mistyped(what: string): ResettleError {
  return new ResettleError('usage', `the recovery code has a typing error: ${what}`, {
    hint: 'compare it with what was written down, group by group; 0 and O, 1, I and L are taken for the same',
  });
}
