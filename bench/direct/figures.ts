/** Medians of what was measured, and how they stand to what issue 5 asks for. */
import { type Spread, spreadOf } from '../result/spread.ts';
import type { Round } from './round.ts';

const MIB = 1024 * 1024;
const FIRST_FILE_MAX_SECONDS = 2;
const PEAK_MAX_BYTES = 250 * MIB;

/** The medians of one mover with one kind of data. */
export interface Row {
  readonly mover: string;
  readonly data: string;
  readonly rounds: number;
  /** From the move's beginning at the receiving end. */
  readonly seconds: Spread;
  /** With what came before. */
  readonly wholeSeconds: Spread;
  readonly scanSeconds: Spread | undefined;
  readonly firstFileSeconds: Spread;
  readonly cpuSeconds: Spread;
  readonly wireBytes: Spread | undefined;
  /** The highest of all rounds, by process. */
  readonly peakBytes: Readonly<Record<string, number>>;
  readonly load: Spread;
}

export function rowsOf(rounds: readonly Round[]): Row[] {
  const groups = Map.groupBy(rounds, ({ mover, data }) => `${data}\n${mover}`);
  return [...groups.values()].map((group) => {
    const over = (value: (round: Round) => number | undefined) => spreadOf(group.map(value));
    const { mover, data } = group[0]!;
    return {
      mover,
      data,
      rounds: group.length,
      seconds: over(({ course }) => course.seconds)!,
      wholeSeconds: over(({ course }) => course.seconds + (course.scanSeconds ?? 0))!,
      scanSeconds: over(({ course }) => course.scanSeconds),
      firstFileSeconds: over(({ firstFileSeconds }) => firstFileSeconds)!,
      cpuSeconds: over(({ cost }) => cost.cpuSeconds)!,
      wireBytes: over(({ wireBytes }) => wireBytes),
      peakBytes: peaksOf(group),
      load: over(({ load }) => load)!,
    };
  });
}

function peaksOf(group: readonly Round[]): Record<string, number> {
  const peaks: Record<string, number> = {};
  for (const { cost, course } of group) {
    for (const [name, bytes] of Object.entries(course.peakBytes ?? { [cost.peakOf]: cost.peakBytes })) {
      peaks[name] = Math.max(peaks[name] ?? 0, bytes);
    }
  }
  return peaks;
}

/** One figure against its limit, and against what was wished. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: '×' | 's' | 'MiB';
  readonly limit: number;
  readonly met: boolean;
  readonly aim?: number;
  readonly aimMet?: boolean;
}

/** How ours may stand to another mover. */
interface Against {
  readonly mover: string;
  readonly limit: number;
  readonly aim?: number;
}

const ON_LOOPBACK: readonly Against[] = [
  { mover: 'tar over ssh', limit: 1.4, aim: 1.0 },
  { mover: 'rsync', limit: 0.8, aim: 0.5 },
];
/** Never slower; what can be made smaller should be faster, and that is the aim there. */
const ON_A_LINK: readonly Against[] = [{ mover: 'tar over ssh', limit: 1.0 }];

/** Nothing where ours took no part. Both ways of counting stand side by side: without the scan, and with it. */
export function figuresOf(rows: readonly Row[], own: string, isLink: boolean): Figure[] {
  const figures: Figure[] = [];
  for (const ours of rows.filter(({ mover }) => mover === own)) {
    for (const against of isLink ? ON_A_LINK : ON_LOOPBACK) {
      const other = rows.find(({ mover, data }) => mover === against.mover && data === ours.data);
      if (!other) continue;
      const ratio = (what: string, seconds: Spread): Figure =>
        judged(`${ours.data}: ${what} / ${against.mover}`, seconds.median / other.wholeSeconds.median, '×', against);
      figures.push(ratio('from the typed code to the end', ours.seconds));
      figures.push(ratio('the same and the scan before', ours.wholeSeconds));
    }
    const { firstFileSeconds, peakBytes } = ours;
    figures.push(
      judged(`${ours.data}: first file in place`, firstFileSeconds.median, 's', { limit: FIRST_FILE_MAX_SECONDS }),
    );
    for (const [name, bytes] of Object.entries(peakBytes)) {
      figures.push(judged(`${ours.data}: peak memory of ${name}`, bytes / MIB, 'MiB', { limit: PEAK_MAX_BYTES / MIB }));
    }
  }
  return figures;
}

function judged(
  what: string,
  value: number,
  unit: Figure['unit'],
  { limit, aim }: { limit: number; aim?: number },
): Figure {
  const aimed = aim === undefined ? {} : { aim, aimMet: value <= aim };
  return { what, value, unit, limit, met: value <= limit, ...aimed };
}
