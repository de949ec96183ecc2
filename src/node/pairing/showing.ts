/** A code on this machine's screen, until a machine has proved it. */
import { PAIRING_LIFE_MS } from '../../common/limits.ts';
import { drawCode, formatCode } from '../../protocols/pair/code.ts';
import { ShownCode } from '../../protocols/pair/guesses.ts';
import { HourlyCap } from '../../protocols/pair/hourly-cap.ts';
import { type Paired, PairingServer } from '../../protocols/pair/pair.ts';
import { drawScanSecret, formatScanCode } from '../../protocols/pair/scan-text.ts';
import type { Purpose } from '../../protocols/pair/types.ts';
import { AttemptTeller } from './attempts.ts';
import { GuessFile } from './guess-file.ts';
import type { PairingNode } from './pairing-node.ts';
import { KNOWN_PEER_TAG, numberTag } from './tags.ts';
import type { PairingBasis, PairingEmit } from './types.ts';

export interface ShowWish {
  readonly purpose: Purpose;
  readonly about: Uint8Array;
  /** The code is used up: whoever proved it is let in a moment later. */
  onProved?(): void;
}

/**
 * Shows a code and waits. Throws `refused` (exit 4) when it is burnt, expired, or was proved by a machine that vanished;
 * the signal's reason when the person takes it back.
 */
export async function showAndPair(
  ground: PairingBasis,
  node: PairingNode,
  wish: ShowWish,
  emit: PairingEmit,
  signal: AbortSignal,
): Promise<Paired> {
  const { clock, random, home, log, timing } = ground;
  const drawn = drawCode(random);
  const secret = drawScanSecret(random);
  const code = new ProvedCode(
    wish.purpose,
    [
      { kind: 'words', code: drawn },
      { kind: 'scan', secret },
    ],
    clock,
  );
  code.onUsed = wish.onProved;
  const guesses = new GuessFile(home);
  const teller = new AttemptTeller(emit);
  try {
    const server = await PairingServer.start({
      handlers: node.link,
      code,
      self: node.self,
      about: wish.about,
      cap: new HourlyCap(guesses, clock),
      random,
      log: (error) => log.warn({ error }, 'the count of attempts could not be written'),
      onFailed: (attempt) => teller.tell(attempt),
      ...(timing?.stepMs === undefined ? {} : { stepMs: timing.stepMs }),
    });
    const byNumber = await node.discover(numberTag(drawn.number));
    const byPeer = await node.discover(KNOWN_PEER_TAG);
    const onAbort = (): void => void server.close();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      emit({
        event: 'code',
        pairingCode: formatCode(drawn),
        scan: formatScanCode({ peer: node.self.peerId, secret }),
        peerId: node.self.peerId,
        addresses: node.addresses().map((address) => `${address}/p2p/${node.self.peerId}`),
        expiresAt: new Date(clock.now() + PAIRING_LIFE_MS).toISOString(),
      });
      return await server.paired;
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      await server.close();
      await node.endDiscovery(byNumber);
      await node.endDiscovery(byPeer);
    }
  } finally {
    guesses.close();
  }
}

/** Tells when it is used up. */
class ProvedCode extends ShownCode {
  onUsed: (() => void) | undefined;

  override begin(kind: 'words' | 'scan'): ReturnType<ShownCode['begin']> {
    const attempt = super.begin(kind);
    if (typeof attempt === 'string') return attempt;
    return {
      ...attempt,
      useUp: () => {
        attempt.useUp();
        this.onUsed?.();
      },
    };
  }
}
