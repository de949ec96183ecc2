import { Decrypter, Encrypter } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import { KEY_FILE_MAX_BYTES } from '../../common/limits.ts';
import { damaged } from './damaged.ts';
import { STATE_KEY_BYTES } from './keys.ts';

/** The state key in an age file for one recipient (`age1…`); `age -d -i IDENTITY` opens it to the 32 raw bytes. */
export async function wrapStateKey(key: Uint8Array, recipient: string): Promise<Uint8Array> {
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

/**
 * The state key out of an age file, by an identity (`AGE-SECRET-KEY-1…`).
 * Throws `refused` when the file is for somebody else or was altered, `damaged` when it holds no state key.
 */
export async function unwrapStateKey(ageFile: Uint8Array, identity: string): Promise<Uint8Array> {
  if (ageFile.length > KEY_FILE_MAX_BYTES) throw damaged(`a key file has at most ${KEY_FILE_MAX_BYTES} bytes`);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  let key: Uint8Array;
  try {
    key = await decrypter.decrypt(ageFile);
  } catch (error) {
    throw new ResettleError('refused', 'this key file does not open with this identity', {
      hint: 'it was made for another recipient, or it is damaged',
      cause: error,
    });
  }
  if (key.length !== STATE_KEY_BYTES) throw damaged(`the key file holds ${key.length} bytes, not a state key`);
  return key;
}
