import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { ResettleError } from '../../common/errors.ts';
import { type PeerIdText, peerIdText } from '../../common/ids.ts';
import type { Home } from '../home/home.ts';

/** The keys that are this agent: they die with its HOME and are never part of a state. */
export interface Identity {
  readonly privateKey: Ed25519PrivateKey;
  readonly peerId: PeerIdText;
  /** `AGE-SECRET-KEY-1…` */
  readonly ageIdentity: string;
  /** `age1…` */
  readonly ageRecipient: string;
}

const KEY_FILE = 'identity.key';
const AGE_FILE = 'age.key';

/** Reads the agent's keys; makes them the first time, once. Throws `failed` when one of them is missing or damaged. */
export async function openIdentity(home: Home): Promise<Identity> {
  let keyBytes = home.read(KEY_FILE);
  let ageIdentity = home.read(AGE_FILE)?.toString('utf8').trim();
  if (keyBytes === undefined) {
    // The libp2p key is written last and makes the identity: an age key without it was never told to anybody.
    ageIdentity = await generateX25519Identity();
    home.write(`${ageIdentity}\n`, AGE_FILE);
    keyBytes = Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519')));
    home.write(keyBytes, KEY_FILE);
  }
  if (ageIdentity === undefined) {
    throw new ResettleError('failed', `${home.path(AGE_FILE)} is missing`, {
      hint: 'put the file back from a copy, or start with a new --home as a new machine',
    });
  }
  const privateKey = parse(home, keyBytes);
  return {
    privateKey,
    peerId: peerIdText(peerIdFromPrivateKey(privateKey).toString()),
    ageIdentity,
    ageRecipient: await recipientOf(home, ageIdentity),
  };
}

/** The library's own message holds the whole key, so it is not kept as a cause: it would stand in logs. */
async function recipientOf(home: Home, ageIdentity: string): Promise<string> {
  try {
    return await identityToRecipient(ageIdentity);
  } catch {
    throw new ResettleError('failed', `${home.path(AGE_FILE)} is no age identity`, {
      hint: 'put the file back from a copy, or start with a new --home as a new machine',
    });
  }
}

function parse(home: Home, bytes: Uint8Array): Ed25519PrivateKey {
  try {
    const key = privateKeyFromProtobuf(bytes);
    if (key.type === 'Ed25519') return key;
  } catch {
    // Said below.
  }
  throw new ResettleError('failed', `${home.path(KEY_FILE)} is not an Ed25519 key`, {
    hint: 'put the file back from a copy, or start with a new --home as a new machine',
  });
}
