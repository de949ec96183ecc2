import { closeSync, createReadStream, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';
import { syncFolder } from '../../common/durable-folders.ts';
import { ResettleError } from '../../common/errors.ts';
import { KEY_FILE_MAX_BYTES } from '../../common/limits.ts';
import { scryptIdentity, scryptRecipient } from '../../state/format/index.ts';
import { writeAll } from '../../state/fs/write-all.ts';

/** A fleet's two keys that belong offline, in one age file under a passphrase; `age -d` opens it too. */
export interface RecoveryKeys {
  readonly authorityKey: PrivateKey;
  /** `AGE-SECRET-KEY-1…`, the private half of the fleet's recovery recipient. */
  readonly recoveryIdentity: string;
}

/** Writes a new file, durably, before anything depends on what is in it. Throws `failed` where there is one already. */
export async function writeRecoveryFile(path: string, passphrase: string, keys: RecoveryKeys): Promise<void> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(scryptRecipient(passphrase));
  const authority = Buffer.from(privateKeyToProtobuf(keys.authorityKey)).toString('base64');
  const sealed = await encrypter.encrypt(
    `# resettle recovery file, version 1\nauthority ${authority}\n${keys.recoveryIdentity}\n`,
  );
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    throw new ResettleError('failed', `cannot make the file ${path}`, {
      hint: 'name a new file in a folder that can be written',
      cause,
    });
  }
  try {
    writeAll(file, sealed);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(dirname(path));
}

/** Reads such a file. Throws `not-found`, `refused` for a wrong passphrase, `damaged` for what is no recovery file. */
export async function readRecoveryFile(path: string, passphrase: string): Promise<RecoveryKeys> {
  let sealed: Uint8Array;
  try {
    sealed = await readStart(path, KEY_FILE_MAX_BYTES + 1);
  } catch (cause) {
    throw new ResettleError('not-found', `cannot read ${path}`, {
      hint: 'name the file that "fleet init --recovery-out" wrote',
      cause,
    });
  }
  if (sealed.length > KEY_FILE_MAX_BYTES) throw notOne(path);
  const decrypter = new Decrypter();
  decrypter.addIdentity(scryptIdentity(passphrase));
  const text = await decrypter.decrypt(sealed, 'text').catch((cause: unknown) => {
    // It asks for more work than we ever put into one, or is cut short.
    if (cause instanceof ResettleError) throw notOne(path, cause);
    throw new ResettleError('refused', `${path} does not open with that passphrase`, {
      hint: 'check the passphrase, and that this is the file that "fleet init --recovery-out" wrote',
      cause,
    });
  });
  const authority = /^authority ([A-Za-z0-9+/=]+)$/m.exec(text)?.[1];
  const recoveryIdentity = /^AGE-SECRET-KEY-1[A-Z0-9]+$/m.exec(text)?.[0];
  try {
    if (authority && recoveryIdentity) {
      await identityToRecipient(recoveryIdentity);
      return { authorityKey: privateKeyFromProtobuf(Buffer.from(authority, 'base64')), recoveryIdentity };
    }
  } catch {
    // Said below, without the library's message: it holds the identity.
  }
  throw notOne(path);
}

/** At most so many bytes from the start of a file, or of a pipe, which gives them in pieces. */
async function readStart(path: string, maxBytes: number): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  for await (const piece of createReadStream(path, { end: maxBytes - 1 })) pieces.push(piece);
  return Buffer.concat(pieces);
}

function notOne(path: string, cause?: unknown): ResettleError {
  return new ResettleError('damaged', `${path} holds no authority and recovery key`, {
    hint: 'name the file that "fleet init --recovery-out" wrote',
    cause,
  });
}
