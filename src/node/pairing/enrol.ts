/** A place in a fleet by a code: the member's machine shows it, the new machine types it and gets an invite. */
import { generateKeyPair } from '@libp2p/crypto/keys';
import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { PAIRING_ENROL_WAIT_MS } from '../../common/limits.ts';
import { askForInvite, serveEnrol } from '../../protocols/pair/enrol.ts';
import { DEFAULT_PORT } from '../link/start-link.ts';
import { decodeAbout, encodeAbout, shownMachine } from './about.ts';
import { pause } from './find.ts';
import { PairingNode } from './pairing-node.ts';
import { showAndPair } from './showing.ts';
import type { PairingBasis, PairingEmit, ShownMachine } from './types.ts';
import { findAndPair, typedCode } from './typing.ts';

export interface EnrolRequest {
  /** Multiaddrs; empty means the default port. */
  readonly listen: readonly string[];
  /** A token in text, good for one machine and a short time. */
  issue(): Promise<string>;
}

/** Shows a code, and gives one invite to the machine that proves it. Throws as `showAndPair`; `failed` where nobody took it. */
export async function showForEnrolment(
  ground: PairingBasis,
  { listen, issue }: EnrolRequest,
  emit: PairingEmit,
  signal: AbortSignal,
): Promise<ShownMachine> {
  const { interfaces, clock, random, log, machine } = ground;
  const privateKey = await generateKeyPair('Ed25519');
  const node = await PairingNode.start({
    privateKey,
    interfaces,
    listen: { addresses: listen, port: DEFAULT_PORT },
    clock,
    random,
    log,
  });
  try {
    const guest = Promise.withResolvers<{ peer: string; session: Uint8Array }>();
    const taken = Promise.withResolvers<void>();
    let isProved = false;
    let isTaken = false;
    await serveEnrol(node.link, async (session, remotePeer) => {
      const { peer, session: own } = isProved ? await guest.promise : { peer: '', session };
      if (peer !== remotePeer || !asBuffer(own).equals(asBuffer(session)) || isTaken) {
        throw new ResettleError('refused', 'this machine has no invite for you', { hint: 'pair with it by its code' });
      }
      isTaken = true;
      const token = await issue();
      taken.resolve();
      return token;
    });
    const { pairing, connection } = await showAndPair(
      ground,
      node,
      {
        purpose: 'enrol',
        about: encodeAbout({ machine, offer: undefined }),
        onProved: () => {
          isProved = true;
        },
      },
      emit,
      signal,
    );
    const shown = shownMachine(pairing.remote, decodeAbout(pairing.remoteAbout, 'machine').machine);
    emit({ event: 'paired', ...shown });
    guest.resolve({ peer: pairing.remote, session: pairing.record.session });
    await pause(PAIRING_ENROL_WAIT_MS, signal, taken.promise);
    if (!isTaken) {
      throw new ResettleError('failed', `${shown.machineName} has paired and then did not ask for its invite`, {
        hint: 'start both commands again, for a new code',
      });
    }
    // The answer leaves before the node does: who took it closes the connection.
    const closed = new Promise<void>((done) => connection.addEventListener('close', () => done(), { once: true }));
    if (connection.status === 'open') await pause(PAIRING_ENROL_WAIT_MS, signal, closed);
    return shown;
  } finally {
    await node.stop();
  }
}

export interface EnrolByCode {
  /** As it was typed or scanned. */
  readonly code: string;
  /** A multiaddr, instead of looking for the machine. */
  readonly peer: string | undefined;
}

/** Pairs by the code that a member's machine shows, and returns the invite that it gives. */
export async function enrolByCode(
  ground: PairingBasis,
  { code, peer }: EnrolByCode,
  emit: PairingEmit,
  signal: AbortSignal,
): Promise<string> {
  const { interfaces, clock, random, log, machine } = ground;
  const typed = typedCode(code);
  const privateKey = await generateKeyPair('Ed25519');
  const node = await PairingNode.start({ privateKey, interfaces, listen: undefined, clock, random, log });
  try {
    const about = encodeAbout({ machine, offer: undefined });
    const wish = { typed, purpose: 'enrol' as const, about, address: peer };
    const { pairing, connection } = await findAndPair(ground, node, wish, signal);
    emit({ event: 'paired', ...shownMachine(pairing.remote, decodeAbout(pairing.remoteAbout, 'machine').machine) });
    return await askForInvite(connection, pairing.record.session, signal);
  } finally {
    await node.stop();
  }
}
