import { messageOf, ResettleError } from '../../../common/errors.ts';
import type { PeerIdText } from '../../../common/ids.ts';
import type { SnapshotHeader } from '../../../state/format/index.ts';
import type { Roster } from '../../../state/records/index.ts';
import { nameOf } from '../../membership/machines.ts';
import { checkSnapshot } from './check-snapshot.ts';
import type { Found, HolderOfState } from './find-state.ts';
import type { Holder } from './holders/types.ts';
import { type HolderAnswer, newestOf, type Verdict } from './newest.ts';
import type { Patience } from './patience.ts';
import type { PointAccess } from './point-access.ts';

/** A snapshot whose signer is the source of the association, with everything that can give its packs. */
export interface SettledSnapshot {
  readonly descriptor: Uint8Array;
  readonly header: SnapshotHeader;
  /** False where nobody could say that there is no newer one. */
  readonly confirmedNewest: boolean;
  /** A newer one is known: a person named this one. */
  readonly isOlder: boolean;
  /** Who gave the descriptor. */
  readonly from: PointAccess;
  /** Who may give key files: those that answered. */
  readonly answered: readonly PointAccess[];
  /** Who may give packs: those, and those that said that they hold the state and may come back. */
  readonly holders: readonly Holder[];
}

/**
 * The newest snapshot that is known of, or the one that was wanted, with its descriptor checked before any key is opened.
 * A holder whose claim does not stand is left out and told. Throws `not-found`, `damaged` (a newer one is known and nobody
 * gives it), `refused` (nobody gives one that the source made), `failed` (nobody who has it answers any more).
 */
export async function settleSnapshot(
  found: Found,
  roster: Roster,
  wanted: number | undefined,
  { onNote, patience }: { readonly onNote: (message: string) => void; readonly patience: Patience },
  signal: AbortSignal,
): Promise<SettledSnapshot> {
  const claims = found.holders.map((one) => ({ ...one, snapshots: [...one.snapshots] }));
  const unreachable = found.unreachable.map(({ access }) => access.peerId);
  let lastProblem: ResettleError | undefined;
  for (;;) {
    const answers = claims.map(({ asked, snapshots }): HolderAnswer => ({ holder: asked.access.peerId, snapshots }));
    if (lastProblem && answers.every(({ snapshots }) => snapshots.length === 0)) throw lastProblem;
    const verdict = newestOf(found.known, answers, unreachable, wanted);
    if (verdict.kind !== 'take') throw lastProblem ?? notTaken(verdict, found, roster, claims, wanted);
    const { snapshot } = verdict;
    const silent: string[] = [];
    let passing: ResettleError | undefined;
    for (const claim of claims.filter(({ snapshots }) => snapshots.includes(snapshot))) {
      const { access } = claim.asked;
      try {
        const { descriptor } = await access.snapshot(found.state, snapshot, '', signal);
        const header = await checkSnapshot(descriptor, found, snapshot, access.name);
        return {
          descriptor,
          header,
          confirmedNewest: verdict.confirmed,
          isOlder: verdict.older,
          from: access,
          answered: found.holders.map(({ asked }) => asked.access),
          holders: holdersOf(found),
        };
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ResettleError)) throw error;
        // Who cannot be reached has not shown that he lied: another may give the same, but an older one is not taken instead.
        if (error.code === 'failed') {
          silent.push(access.name);
          passing = error;
          continue;
        }
        lastProblem = error;
        claim.snapshots.splice(claim.snapshots.indexOf(snapshot), 1);
        onNote(`snapshot ${snapshot} of ${access.name} was left aside: ${messageOf(error)}`);
      }
    }
    if (passing && !(await patience.wait(`no answer from ${silent.join(', ')}`, signal))) {
      throw notAnswered(found.sourceName, snapshot, { silent, answers, passing });
    }
  }
}

/** Whoever has only an older one may be put forward by a person who knows what that means, never by us. */
function notAnswered(
  sourceName: string,
  snapshot: number,
  what: {
    readonly silent: readonly string[];
    readonly answers: readonly HolderAnswer[];
    readonly passing: ResettleError;
  },
): ResettleError {
  const older = what.answers.flatMap(({ snapshots }) => snapshots.filter((one) => one < snapshot));
  const knowingly = older.length > 0 ? `, or take an older one knowingly with --snapshot ${Math.max(...older)}` : '';
  return new ResettleError(
    'failed',
    `${what.silent.join(', ')} said that snapshot ${snapshot} of ${sourceName} is there, and does not answer any more: ${what.passing.message}`,
    { hint: `bring it back${knowingly}`, cause: what.passing },
  );
}

function holdersOf({ holders, unreachable, known }: Found): Holder[] {
  const named = new Set(known.held.map(({ holder }) => holder));
  return [
    ...holders.map(({ asked }) => asked.access),
    ...unreachable.map(({ access }) => access).filter(({ peerId }) => named.has(peerId)),
  ];
}

function notTaken(
  verdict: Exclude<Verdict, { kind: 'take' }>,
  found: Found,
  roster: Roster,
  claims: readonly HolderOfState[],
  wanted: number | undefined,
): ResettleError {
  const list = claims
    .map(({ asked, snapshots }) => `${asked.access.name} has ${snapshots.join(', ') || 'none'}`)
    .join('; ');
  if (verdict.kind === 'none') {
    const lost = found.unreachable.map(({ access }) => access.name).join(', ');
    return new ResettleError(
      'not-found',
      `no point that was reached holds snapshot ${wanted} of ${found.sourceName} (${found.state}): ${list}`,
      lost === '' ? {} : { hint: `${lost} did not answer, and may have it` },
    );
  }
  const { newest, offered, hiders, absent } = verdict;
  const names = (peers: readonly PeerIdText[]): string => peers.map((peer) => nameOf(roster, peer)).join(', ');
  const who =
    hiders.length > 0
      ? `; ${names(hiders)} said that it holds it, and does not give it`
      : absent.length > 0
        ? `; ${names(absent)}, which holds it, did not answer`
        : `; ${found.sourceName} said that it stored it`;
  const isAbsent = hiders.length === 0 && absent.length > 0;
  const remedy = isAbsent
    ? 'bring it back'
    : 'do not trust that point before an operator has looked at its disk; capture again';
  return new ResettleError(
    isAbsent ? 'failed' : 'damaged',
    `snapshot ${newest} of ${found.sourceName} is the newest, and nobody who was reached gives it: ${list}${who}`,
    { hint: offered > 0 ? `${remedy}, or take the older one knowingly with --snapshot ${offered}` : remedy },
  );
}
