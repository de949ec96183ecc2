import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { PASSPHRASE_WORK_LOG2 } from '../../common/limits.ts';
import { damaged } from './damaged.ts';

const LABEL = Buffer.from('age-encryption.org/v1/scrypt');
const SALT_BYTES = 16;
const TAG_BYTES = 16;
const FILE_KEY_BYTES = 16;
const NONCE = new Uint8Array(12);
const WORK = /^[1-9]\d?$/;

const derive = promisify<Buffer, Buffer, number, object, Buffer>(scrypt);

/** age's key from a passphrase (C2SP age, scrypt recipient stanza), derived beside the main thread. */
function keyOf(passphrase: string, salt: Uint8Array, log2: number): Promise<Buffer> {
  const costs = { N: 2 ** log2, r: 8, p: 1, maxmem: 2 ** (log2 + 11) };
  return derive(Buffer.from(passphrase), Buffer.concat([LABEL, salt]), 32, costs);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

/** Wraps a file key under a passphrase, with work 2^PASSPHRASE_WORK_LOG2. */
export function scryptRecipient(passphrase: string): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(SALT_BYTES);
      const key = await keyOf(passphrase, salt, PASSPHRASE_WORK_LOG2);
      const cipher = createCipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES });
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new Stanza(['scrypt', base64(salt), String(PASSPHRASE_WORK_LOG2)], body)];
    },
  };
}

/** Opens such a file key; null where the passphrase is another one. Throws `damaged` where it asks for more work. */
export function scryptIdentity(passphrase: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const [stanza, ...others] = stanzas;
      const [kind, saltText = '', work = ''] = stanza?.args ?? [];
      if (!stanza || kind !== 'scrypt') return null;
      const salt = Buffer.from(saltText, 'base64');
      const fits = salt.length === SALT_BYTES && stanza.body.length === FILE_KEY_BYTES + TAG_BYTES && WORK.test(work);
      if (!fits || stanza.args.length !== 3 || others.length > 0) throw damaged('a passphrase’s key file is malformed');
      if (Number(work) > PASSPHRASE_WORK_LOG2) {
        throw damaged(
          `a passphrase’s key file asks for 2^${work} rounds of work, and 2^${PASSPHRASE_WORK_LOG2} is the most`,
        );
      }
      const key = await keyOf(passphrase, salt, Number(work));
      const cipher = createDecipheriv('chacha20-poly1305', key, NONCE, { authTagLength: TAG_BYTES });
      cipher.setAuthTag(stanza.body.subarray(FILE_KEY_BYTES));
      try {
        return Buffer.concat([cipher.update(stanza.body.subarray(0, FILE_KEY_BYTES)), cipher.final()]);
      } catch {
        return null;
      }
    },
  };
}
