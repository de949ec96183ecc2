import type { Way } from '../contestant.ts';
import { FEW_FILES, type Figure } from '../options.ts';
import type { Round } from '../rounds.ts';
import type { Results } from './results.ts';
import { type Spread, spreadOf } from './spread.ts';

export type Unit = 's' | 'MiB' | 'µs';
export type Verdict = 'aim met' | 'must met' | 'MISSED' | 'not available' | '';

/** A limit: as it reads, and what it comes to in the unit of the row. */
export interface Limit {
  readonly text: string;
  readonly value: number;
}

/** One comparison: ours with a peer's, or with a limit alone. */
export interface Row {
  readonly figure: Figure;
  readonly title: string;
  readonly unit: Unit;
  readonly ours: Spread | undefined;
  /** What it is compared with. */
  readonly peer: string;
  readonly theirs: Spread | undefined;
  readonly ratio: number | undefined;
  readonly must?: Limit;
  readonly aim?: Limit;
  readonly verdict: Verdict;
}

const OURS = 'resettle';
const MIB = 1024 * 1024;

/** The peers that decide, each by itself, and by how much: times our median may be of theirs. */
interface Goal {
  readonly peers: readonly string[];
  readonly must: number;
  readonly aim: number;
}

const GOALS: Readonly<Record<'point' | 'again' | 'folder' | 'size', Goal>> = {
  point: { peers: ['restic', 'restic max'], must: 0.5, aim: 0.3 },
  again: { peers: ['restic', 'restic max'], must: 0.6, aim: 0.3 },
  folder: { peers: ['restic', 'restic max'], must: 0.35, aim: 0.25 },
  size: { peers: ['restic max'], must: 1.1, aim: 1.0 },
};
/** What a changed capture may send for each changed byte, and besides. */
const CHANGED_FACTOR = 1.1;
const CHANGED_EXTRA_MIB = 1;
const MANY_PEAK_MIB = { must: 400, aim: 250 };
const MANY_COST_FACTOR = 1.2;

/** Every figure that was asked for, in their order. */
export function rowsOf(results: Results): Row[] {
  const { figures } = results.options;
  const rounds = (way?: Way): Round[] => results.rounds.filter((round) => way === undefined || round.way === way);
  const rows: Row[] = [];
  if (figures.has('point')) {
    rows.push(...compared('point', 'point: capture + restore', 's', rounds('point'), secondsOfBoth, GOALS.point));
    rows.push(...compared('point', 'point: peak memory of a process', 'MiB', rounds('point'), peakMiB));
  }
  if (figures.has('again')) {
    const seconds = (round: Round): number | undefined => round.again?.seconds;
    rows.push(...compared('again', 'again: nothing changed', 's', rounds('point'), seconds, GOALS.again));
  }
  if (figures.has('changed')) rows.push(...changedRows(rounds('point')));
  if (figures.has('folder')) {
    rows.push(...compared('folder', 'folder: capture + restore', 's', rounds('folder'), secondsOfBoth, GOALS.folder));
    rows.push(...compared('folder', 'folder: peak memory of a process', 'MiB', rounds('folder'), peakMiB));
  }
  if (figures.has('size')) {
    const stores = rounds().filter(({ contestant }) => !['rsync', 'tar'].includes(contestant));
    rows.push(
      ...compared('size', 'size of the store', 'MiB', stores, ({ storedBytes }) => storedBytes / MIB, GOALS.size),
    );
  }
  if (figures.has('many')) rows.push(...manyRows(results));
  return rows;
}

function secondsOfBoth({ capture, restore }: Round): number | undefined {
  return restore && capture.seconds + restore.seconds;
}

/** Of the first capture and the restore. */
function peakMiB({ capture, restore }: Round): number | undefined {
  return restore && Math.max(capture.peakBytes, restore.peakBytes) / MIB;
}

function compared(
  figure: Figure,
  title: string,
  unit: Unit,
  rounds: readonly Round[],
  of: (round: Round) => number | undefined,
  goal?: Goal,
): Row[] {
  const first = (goal ?? GOALS.point).peers[0];
  const spread = (name: string) => spreadOf(rounds.filter(({ contestant }) => contestant === name).map(of));
  const ours = spread(OURS);
  const others = new Set(rounds.map(({ contestant }) => contestant).filter((name) => name !== OURS));
  const peers = [...others].filter((name) => spread(name) !== undefined).sort();
  peers.sort((a, b) => Number(b === first) - Number(a === first));
  if (peers.length === 0) return [judged({ figure, title, unit, ours, peer: '', theirs: undefined, ratio: undefined })];
  return peers.map((peer) => {
    const theirs = spread(peer)!;
    const limit = (factor: number): Limit => ({ text: factor.toFixed(2), value: factor * theirs.median });
    return judged({
      figure,
      title,
      unit,
      ours,
      peer,
      theirs,
      ratio: ours && ours.median / theirs.median,
      ...(goal?.peers.includes(peer) && { must: limit(goal.must), aim: limit(goal.aim) }),
    });
  });
}

function changedRows(rounds: readonly Round[]): Row[] {
  const grown = rounds.flatMap(({ contestant, growth }) => growth.map((one) => ({ contestant, ...one })));
  return [...new Set(grown.map(({ kind }) => kind))].flatMap((kind) => {
    const ofKind = grown.filter((one) => one.kind === kind);
    const changed = ofKind[0]!.changedBytes / MIB;
    const ours = spreadOf(ofKind.filter(({ contestant }) => contestant === OURS).map(mibGrown));
    const common = {
      figure: 'changed',
      title: `changed 1 % (${kind}): growth of the store`,
      unit: 'MiB',
      ours,
    } as const;
    const peers = ofKind
      .filter(({ contestant }) => contestant !== OURS)
      .sort((a, b) => (a.contestant < b.contestant ? 1 : -1));
    return [
      judged({
        ...common,
        peer: 'changed bytes',
        theirs: spreadOf([changed]),
        ratio: ours && ours.median / changed,
        must: {
          text: `${CHANGED_FACTOR}+${CHANGED_EXTRA_MIB}MiB`,
          value: CHANGED_FACTOR * changed + CHANGED_EXTRA_MIB,
        },
      }),
      ...peers.map((one) => {
        const theirs = spreadOf([mibGrown(one)])!;
        return judged({ ...common, peer: one.contestant, theirs, ratio: ours && ours.median / theirs.median });
      }),
    ];
  });
}

const mibGrown = ({ grownBytes }: { grownBytes: number }): number => grownBytes / MIB;

function manyRows({ many, options }: Results): Row[] {
  const rows: Row[] = [];
  for (const way of ['point', 'folder'] as const) {
    const rounds = (files: number): Round[] =>
      many.filter((one) => one.files === files && one.round.way === way).map(({ round }) => round);
    const all = rounds(options.many);
    const few = rounds(FEW_FILES);
    rows.push(
      judged({
        figure: 'many',
        title: `many, by ${way}: peak memory of a process`,
        unit: 'MiB',
        ours: spreadOf(all.map(peakMiB)),
        peer: `${FEW_FILES} files`,
        theirs: spreadOf(few.map(peakMiB)),
        ratio: undefined,
        must: { text: `${MANY_PEAK_MIB.must} MiB`, value: MANY_PEAK_MIB.must },
        aim: { text: `${MANY_PEAK_MIB.aim} MiB`, value: MANY_PEAK_MIB.aim },
      }),
    );
    for (const step of ['capture', 'restore'] as const) {
      const perFile = (files: number) => (round: Round) => round[step] && (round[step].seconds / files) * 1e6;
      const ours = spreadOf(all.map(perFile(options.many)));
      const theirs = spreadOf(few.map(perFile(FEW_FILES)));
      rows.push(
        judged({
          figure: 'many',
          title: `many, by ${way}: ${step} of a file`,
          unit: 'µs',
          ours,
          peer: `${FEW_FILES} files`,
          theirs,
          ratio: ours && theirs && ours.median / theirs.median,
          ...(theirs && {
            must: { text: MANY_COST_FACTOR.toFixed(2), value: MANY_COST_FACTOR * theirs.median },
          }),
        }),
      );
    }
  }
  return rows;
}

function judged(row: Omit<Row, 'verdict'>): Row {
  const { ours, must, aim } = row;
  if (!ours) return { ...row, verdict: 'not available' };
  if (!must) return { ...row, verdict: '' };
  if (ours.median > must.value) return { ...row, verdict: 'MISSED' };
  return { ...row, verdict: aim && ours.median <= aim.value ? 'aim met' : 'must met' };
}
