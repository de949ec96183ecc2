/** A code that was typed or scanned on this machine: finds the one that shows it, and pairs, once. */
import type { Connection } from '@libp2p/interface';
import type { PeerIdText } from '../../common/ids.ts';
import { parseCode } from '../../protocols/pair/code.ts';
import { TypedCode } from '../../protocols/pair/guesses.ts';
import { HourlyCap } from '../../protocols/pair/hourly-cap.ts';
import { type Paired, pairOver } from '../../protocols/pair/pair.ts';
import { isScanText, parseScanCode } from '../../protocols/pair/scan-text.ts';
import type { Credential, Purpose } from '../../protocols/pair/types.ts';
import { findByNumber, findPeer } from './find.ts';
import { GuessFile } from './guess-file.ts';
import type { PairingNode } from './pairing-node.ts';
import { KNOWN_PEER_TAG, numberTag } from './tags.ts';
import type { PairingBasis } from './types.ts';

export interface Typed {
  readonly credential: Credential;
  /** Of a scanned code. */
  readonly peer: PeerIdText | undefined;
}

/** Throws `usage` for what is no code: before anything is sent. */
export function typedCode(text: string): Typed {
  if (!isScanText(text)) return { credential: { kind: 'words', code: parseCode(text) }, peer: undefined };
  const { peer, secret } = parseScanCode(text);
  return { credential: { kind: 'scan', secret }, peer };
}

export interface TypeWish {
  readonly typed: Typed;
  readonly purpose: Purpose;
  readonly about: Uint8Array;
  /** A multiaddr, instead of looking for the machine. */
  readonly address: string | undefined;
}

/** Throws `not-found`, `failed`, `refused` (exit 4) for a code that is not the one shown, or the signal's reason. */
export async function findAndPair(
  ground: PairingBasis,
  node: PairingNode,
  wish: TypeWish,
  signal: AbortSignal,
): Promise<Paired> {
  const { home, clock, random, log, timing } = ground;
  const { typed, purpose, about } = wish;
  const connection = await reach(ground, node, wish, signal);
  const guesses = new GuessFile(home);
  try {
    const pairing = await pairOver(connection, {
      code: new TypedCode(purpose, typed.credential),
      ...(typed.peer === undefined ? {} : { expected: typed.peer }),
      self: node.self,
      about,
      cap: new HourlyCap(guesses, clock),
      random,
      log: (error) => log.warn({ error }, 'the count of attempts could not be written'),
      ...(timing?.stepMs === undefined ? {} : { stepMs: timing.stepMs }),
      signal,
    });
    return { pairing, connection };
  } finally {
    guesses.close();
  }
}

async function reach(
  { timing }: PairingBasis,
  node: PairingNode,
  { typed: { credential, peer }, address }: TypeWish,
  signal: AbortSignal,
): Promise<Connection> {
  if (address !== undefined) return node.dial(peer, [address], signal);
  const discovery = await node.discover(
    credential.kind === 'words' ? numberTag(credential.code.number) : KNOWN_PEER_TAG,
  );
  try {
    const found =
      credential.kind === 'words'
        ? await findByNumber(discovery, credential.code.number, signal, timing)
        : await findPeer(discovery, peer!, signal, timing);
    return await node.dial(found.peerId, found.addresses, signal);
  } finally {
    await node.endDiscovery(discovery);
  }
}
