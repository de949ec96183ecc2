import type { AssociationId, PeerIdText, StateId } from '../../common/ids.ts';
import type { Association, EventBody, EventStep, Roster, SignedEvent } from '../../state/records/index.ts';
import { nameOf } from '../membership/machines.ts';

/** Where a migration stands, from nothing to everything done; `failed` and `ended` stand beside the row. */
export const PHASES = ['planned', 'waiting', 'scanning', 'sending', 'stored', 'safe', 'restoring', 'restored'] as const;
export type MigrationPhase = (typeof PHASES)[number] | 'failed' | 'ended';

/** What a holder said of a state. */
export interface HolderSummary {
  readonly point: PeerIdText;
  readonly pointName: string;
  readonly phase: EventBody['phase'];
  readonly snapshot: number;
  /** Less than `totalBytes` where the state is spread over several. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly at: number;
  readonly notes: readonly string[];
}

export interface MigrationSummary {
  readonly association: AssociationId;
  readonly source: PeerIdText;
  readonly sourceName: string;
  readonly destination: PeerIdText | null;
  readonly destinationName: string | null;
  readonly mode: Association['body']['mode'];
  readonly phase: MigrationPhase;
  readonly state: StateId | null;
  readonly snapshot: number;
  readonly bytes: number;
  /** Whole copies of the newest snapshot that holders say they have, on distinct machines. */
  readonly copies: number;
  readonly replicas: number;
  readonly holders: readonly HolderSummary[];
  /** Until when the source says "safe to wipe"; null: it does not. */
  readonly safeUntil: number | null;
  /** Since when, by the source's clock. */
  readonly safeAsOf: number | null;
  /** What is missing for that. */
  readonly missing: readonly string[];
  readonly skipped: number;
  readonly restoredAt: number | null;
  /** Why it failed, or what a person should know. */
  readonly notes: readonly string[];
}

/**
 * Where a migration stands, by what its parties signed. A pure function, so any agent gives the same answer. `clockMs` is
 * this machine's own clock: one that is behind does not prolong a word that has run out, as far as records can tell.
 */
export function summarise(
  association: Association,
  events: readonly SignedEvent[],
  roster: Roster,
  clockMs: number,
): MigrationSummary {
  const { body } = association;
  const now = events.reduce((latest, { time }) => Math.max(latest, time), Math.max(clockMs, roster.authorityTime));
  const commit = newestCommit(events);
  const state = commit?.body.state ?? null;
  const about = (step: EventStep): SignedEvent | undefined =>
    newest(events.filter((event) => event.body.step === step && (state === null || event.body.state === state)));
  const activity = newest(events.filter((event) => event.body.step === 'activity'));
  const restore = about('restore');
  const holders = events
    .filter((event) => event.body.step === 'holder' && event.body.state === state)
    .map((event) => holderOf(event, roster));
  const copies = commit ? wholeCopies(events, commit.body, roster) : 0;
  const safe = commit && isSafe(commit.body, copies, body.replicas, now) ? commit.body.untilMs : null;
  const current = restore && commit && restore.body.descriptorHash === commit.body.descriptorHash ? restore : undefined;
  return {
    association: association.id,
    source: body.source,
    sourceName: nameOf(roster, body.source),
    destination: association.destination ?? null,
    destinationName: association.destination === undefined ? null : nameOf(roster, association.destination),
    mode: body.mode,
    phase: phaseOf(association, { commit, activity, restore: current, safe: safe !== null }),
    state,
    snapshot: commit?.body.snapshot ?? 0,
    bytes: commit?.body.bytes ?? activity?.body.bytes ?? 0,
    copies,
    replicas: body.replicas,
    holders,
    safeUntil: safe,
    safeAsOf: safe === null ? null : commit!.time,
    missing: safe === null ? missingOf(commit?.body, copies, body.replicas, now) : [],
    skipped: Math.max(commit?.body.skipped ?? 0, current?.body.skipped ?? 0),
    restoredAt: current?.body.phase === 'restored' ? current.time : null,
    notes: [...notesOf(activity, 'failed'), ...notesOf(restore, 'failed')],
  };
}

/** Whether a migration has come as far as `goal`; one that was ended has nothing left to do. */
export function hasReached(summary: Pick<MigrationSummary, 'phase'>, goal: 'stored' | 'safe' | 'restored'): boolean {
  if (summary.phase === 'ended') return true;
  if (summary.phase === 'failed') return false;
  return PHASES.indexOf(summary.phase) >= PHASES.indexOf(goal);
}

interface Threads {
  readonly commit: SignedEvent | undefined;
  readonly activity: SignedEvent | undefined;
  readonly restore: SignedEvent | undefined;
  readonly safe: boolean;
}

function phaseOf(association: Association, { commit, activity, restore, safe }: Threads): MigrationPhase {
  if (restore?.body.phase === 'restored') return 'restored';
  if (association.ended) return 'ended';
  if (restore?.body.phase === 'restoring') return 'restoring';
  if (restore?.body.phase === 'failed') return 'failed';
  const step = activity?.body.phase;
  if (step === 'failed') return 'failed';
  if (step === 'waiting' || step === 'scanning' || step === 'sending') return step;
  if (commit) return safe ? 'safe' : 'stored';
  return 'planned';
}

/** Of several states the one that was committed last counts: a source that began anew left the others behind. */
function newestCommit(events: readonly SignedEvent[]): SignedEvent | undefined {
  return newest(events.filter((event) => event.body.step === 'commit'));
}

function newest(events: readonly SignedEvent[]): SignedEvent | undefined {
  return events.reduce<SignedEvent | undefined>(
    (best, event) => (best && best.time >= event.time ? best : event),
    undefined,
  );
}

function holderOf({ signer, time, body }: SignedEvent, roster: Roster): HolderSummary {
  return {
    point: signer,
    pointName: nameOf(roster, signer),
    phase: body.phase,
    snapshot: body.snapshot,
    bytes: body.bytes,
    totalBytes: body.totalBytes,
    at: time,
    notes: body.notes,
  };
}

/** Machines of active members that say they hold all of a snapshot; equal machine claims count once. A spread state is one copy. */
function wholeCopies(events: readonly SignedEvent[], commit: EventBody, roster: Roster): number {
  const holding = events.filter(
    ({ signer, body }) =>
      roster.members.get(signer)?.status === 'active' &&
      body.step === 'holder' &&
      body.phase === 'held' &&
      body.state === commit.state &&
      body.descriptorHash === commit.descriptorHash,
  );
  const whole = holding.filter(({ body }) => body.bytes >= body.totalBytes);
  const machines = new Set(whole.map(({ signer }) => roster.members.get(signer)?.machine ?? signer));
  const parts = holding.filter(({ body }) => body.bytes < body.totalBytes);
  const together = parts.reduce((sum, { body }) => sum + body.bytes, 0);
  const total = parts[0]?.body.totalBytes ?? 0;
  return machines.size + (parts.length > 0 && together >= total ? 1 : 0);
}

function isSafe(commit: EventBody, copies: number, replicas: number, now: number): boolean {
  return commit.phase === 'safe' && commit.untilMs > now && copies >= replicas;
}

function missingOf(commit: EventBody | undefined, copies: number, replicas: number, now: number): string[] {
  if (!commit) return [];
  const missing = [...commit.notes];
  if (copies < replicas) missing.push(`${copies} of ${replicas} copies are there`);
  if (commit.phase === 'safe' && commit.untilMs <= now) missing.push('the word of the source has run out');
  return missing;
}

function notesOf(event: SignedEvent | undefined, phase: EventBody['phase']): readonly string[] {
  return event?.body.phase === phase ? event.body.notes : [];
}
