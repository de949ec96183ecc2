import type { PeerIdText } from '../../../common/ids.ts';
import type { Association, SignedEvent } from '../../../state/records/index.ts';

/** What the records say of whether a source may be wiped. */
export interface SafetyWord {
  /** `over`: it was safe, and that word has ended. */
  readonly word: 'nothing-stored' | 'stored' | 'safe' | 'over';
  readonly snapshot: number;
  readonly descriptorHash: string | null;
  /** When the source said so, by its clock; 0 where it said nothing. */
  readonly asOfMs: number;
  /** Until when, for `safe` and `over`; else 0. */
  readonly untilMs: number;
  readonly skipped: number;
  /** What is missing for "safe to wipe". */
  readonly missing: readonly string[];
  /** Who signed that it holds that snapshot. */
  readonly holders: readonly PeerIdText[];
}

/**
 * What the fleet knows of an association's newest snapshot, for `status` on any agent. A holder that has said since that
 * its copy is gone takes the word back before the source does.
 */
export function safetyOf(association: Association, events: readonly SignedEvent[], nowMs: number): SafetyWord {
  const commits = events.filter(({ signer, body }) => body.step === 'commit' && signer === association.body.source);
  const newest = commits.reduce<SignedEvent | undefined>(
    (best, event) => (best && best.time >= event.time ? best : event),
    undefined,
  );
  if (!newest) {
    const none = { snapshot: 0, descriptorHash: null, asOfMs: 0, untilMs: 0, skipped: 0, holders: [] };
    return { ...none, word: 'nothing-stored', missing: ['nothing is stored yet'] };
  }
  const { body, time } = newest;
  const about = events.filter(
    (event) =>
      event.body.step === 'holder' &&
      event.body.state === body.state &&
      event.body.descriptorHash === body.descriptorHash,
  );
  const told = {
    snapshot: body.snapshot,
    descriptorHash: body.descriptorHash,
    asOfMs: time,
    untilMs: body.untilMs,
    skipped: body.skipped,
    holders: about.filter((event) => event.body.phase === 'held').map(({ signer }) => signer),
  };
  if (body.phase !== 'safe') return { ...told, word: 'stored', missing: body.notes };
  if (nowMs >= body.untilMs) {
    return { ...told, word: 'over', missing: ['the word "safe to wipe" has ended; capture again for a new one'] };
  }
  const lost = about.filter((event) => event.body.phase !== 'held' && body.peers.includes(event.signer));
  if (lost.length > 0 && told.holders.length < association.body.replicas) {
    return { ...told, word: 'stored', missing: ['a holder has lost its copy since the source said that it was safe'] };
  }
  return { ...told, word: 'safe', missing: [] };
}
