/** Which snapshot of a state is the newest, from what parties signed and what holders answer. Pure. */
import type { PeerIdText, StateId } from '../../../common/ids.ts';
import type { SignedEvent } from '../../../state/records/index.ts';

/** What a holder answered: numbers of snapshots, none where it has nothing of the state. */
export interface HolderAnswer {
  readonly holder: PeerIdText;
  readonly snapshots: readonly number[];
}

/** What signed events say of one state. */
export interface KnownOfState {
  /** What its source said of its last commit. */
  readonly commit:
    | { readonly snapshot: number; readonly descriptorHash: string | null; readonly time: number }
    | undefined;
  /** What holders said of themselves: they have it, whole or damaged. */
  readonly held: readonly { readonly holder: PeerIdText; readonly snapshot: number }[];
  readonly deletedBy: readonly PeerIdText[];
}

/**
 * `take`: this one. `confirmed`: the source's own word says that there is no newer one, or several holders agree and
 * nobody was unreachable. `older`: a newer one exists that was not wanted. `behind`: a newer one is known that nobody who
 * was reached gives. `hiders` said that they hold it; `absent` said so too, and were not reached. `none`: what was wanted
 * is not held.
 */
export type Verdict =
  | { readonly kind: 'take'; readonly snapshot: number; readonly confirmed: boolean; readonly older: boolean }
  | {
      readonly kind: 'behind';
      readonly newest: number;
      readonly offered: number;
      readonly hiders: readonly PeerIdText[];
      readonly absent: readonly PeerIdText[];
    }
  | { readonly kind: 'none'; readonly newest: number };

export function knownOfState(events: readonly SignedEvent[], state: StateId): KnownOfState {
  let commit: KnownOfState['commit'];
  const held: { holder: PeerIdText; snapshot: number }[] = [];
  const deletedBy: PeerIdText[] = [];
  for (const { signer, time, body } of events) {
    if (body.state !== state) continue;
    if (body.step === 'commit' && (body.phase === 'stored' || body.phase === 'safe')) {
      commit = { snapshot: body.snapshot, descriptorHash: body.descriptorHash, time };
    }
    if (body.step !== 'holder') continue;
    if (body.phase === 'deleted') deletedBy.push(signer);
    else held.push({ holder: signer, snapshot: body.snapshot });
  }
  return { commit, held, deletedBy };
}

/** `unreachable`: who may hold it as well and did not answer. `wanted`: the one that a person named. */
export function newestOf(
  known: KnownOfState,
  answers: readonly HolderAnswer[],
  unreachable: readonly PeerIdText[],
  wanted: number | undefined,
): Verdict {
  const offered = Math.max(0, ...answers.flatMap(({ snapshots }) => snapshots));
  const told = Math.max(0, known.commit?.snapshot ?? 0, ...known.held.map(({ snapshot }) => snapshot));
  const newest = Math.max(offered, told);
  const snapshot = wanted ?? offered;
  const isHeld = answers.some(({ snapshots }) => snapshots.includes(snapshot));
  if (wanted === undefined ? newest === 0 : !isHeld) return { kind: 'none', newest };
  if (wanted === undefined && told > offered) {
    const say = known.held.filter((one) => one.snapshot > offered).map(({ holder }) => holder);
    const answered = new Set(answers.map(({ holder }) => holder));
    return {
      kind: 'behind',
      newest,
      offered,
      hiders: say.filter((holder) => answered.has(holder)),
      absent: say.filter((holder) => !answered.has(holder)),
    };
  }
  const witnesses = answers.filter(({ snapshots }) => snapshots.length > 0).length;
  const bySource = known.commit !== undefined && known.commit.snapshot >= snapshot;
  const confirmed = snapshot === newest && (bySource || (witnesses > 1 && unreachable.length === 0));
  return { kind: 'take', snapshot, confirmed, older: snapshot < newest };
}
