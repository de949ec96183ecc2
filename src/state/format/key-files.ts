import { Decrypter, Encrypter, type Identity, type Recipient } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import { KEY_FILE_MAX_BYTES } from '../../common/limits.ts';
import { damaged } from './damaged.ts';
import { STATE_KEY_BYTES } from './keys.ts';
import { scryptIdentity, scryptRecipient } from './scrypt-stanza.ts';

/** The state key in an age file for one recipient (`age1…`); `age -d -i IDENTITY` opens it to the 32 raw bytes. */
export function wrapStateKey(key: Uint8Array, recipient: string): Promise<Uint8Array> {
  return wrap(key, recipient);
}

/** The same under a passphrase: `age -d` asks for it. Takes about a second, and 256 MiB while it lasts. */
export function wrapStateKeyByPassphrase(key: Uint8Array, passphrase: string): Promise<Uint8Array> {
  return wrap(key, scryptRecipient(passphrase));
}

/**
 * The state key out of an age file, by an identity (`AGE-SECRET-KEY-1…`).
 * Throws `refused` when the file is for somebody else or was altered, `damaged` when it holds no state key.
 */
export function unwrapStateKey(ageFile: Uint8Array, identity: string): Promise<Uint8Array> {
  return unwrap(ageFile, identity, 'identity');
}

/** The same by a passphrase. A file that asks for more work than we ever put into one is `damaged`. */
export function unwrapStateKeyByPassphrase(ageFile: Uint8Array, passphrase: string): Promise<Uint8Array> {
  return unwrap(ageFile, scryptIdentity(passphrase), 'passphrase');
}

async function wrap(key: Uint8Array, recipient: string | Recipient): Promise<Uint8Array> {
  if (key.length !== STATE_KEY_BYTES) {
    throw new ResettleError('failed', `a state key has ${STATE_KEY_BYTES} bytes, this one has ${key.length}`);
  }
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch (error) {
    throw new ResettleError('usage', 'not an age recipient', { hint: 'a recipient begins with age1', cause: error });
  }
  return await encrypter.encrypt(key);
}

async function unwrap(ageFile: Uint8Array, identity: string | Identity, what: string): Promise<Uint8Array> {
  if (ageFile.length > KEY_FILE_MAX_BYTES) throw damaged(`a key file has at most ${KEY_FILE_MAX_BYTES} bytes`);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  let key: Uint8Array;
  try {
    key = await decrypter.decrypt(ageFile);
  } catch (error) {
    if (error instanceof ResettleError) throw error;
    throw new ResettleError('refused', `this key file does not open with this ${what}`, {
      hint: 'it was made for another one, or it is damaged',
      cause: error,
    });
  }
  if (key.length !== STATE_KEY_BYTES) throw damaged(`the key file holds ${key.length} bytes, not a state key`);
  return key;
}
