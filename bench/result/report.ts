import type { Cost } from '../measure.ts';
import type { Round } from '../rounds.ts';
import type { Results } from './results.ts';
import type { Row, Unit } from './rows.ts';
import { type Spread, shown, spreadOf } from './spread.ts';
import { table } from './table.ts';

const MIB = 1024 * 1024;

/** Everything for a person to read: the data, each figure with its verdict, each step's cost, and who was left out. */
export function reportOf(results: Results, rows: readonly Row[]): string {
  const { census, leftOut, machine, versions, options } = results;
  const parts = [
    Object.entries({ ...machine, ...versions })
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
  ];
  if (census) {
    parts.push(
      `data: ${census.files} files, ${(census.bytes / 1e6).toFixed(1)} MB, ${census.folders} folders, ` +
        `${census.symlinks} symbolic links, ${census.hardlinks} hard links; ` +
        `${census.duplicateFiles} files are copies of others (${(census.duplicateBytes / 1e6).toFixed(1)} MB)`,
    );
  }
  parts.push(`medians of ${options.runs} runs (lowest to highest)`);
  parts.push(
    table(
      ['figure', 'ours', 'against', 'theirs', 'ratio', 'must', 'aim', 'verdict'],
      rows.map(cellsOf),
      [1, 3, 4, 5, 6],
    ),
  );
  parts.push(table(['step', 'contestant', 'seconds', 'CPU s', 'peak MiB', 'of'], costCells(results), [2, 3, 4]));
  const missing = leftOut.map(({ contestant, way, why }) => `left out: ${contestant}${way ? ` (${way})` : ''}: ${why}`);
  if (missing.length > 0) parts.push(missing.join('\n'));
  return `${parts.join('\n\n')}\n`;
}

function cellsOf(row: Row): string[] {
  return [
    row.title,
    row.ours ? quantity(row.ours, row.unit) : '–',
    row.peer,
    row.theirs ? quantity(row.theirs, row.unit) : '–',
    row.ratio?.toFixed(2) ?? '',
    row.must?.text ?? '',
    row.aim?.text ?? '',
    row.verdict,
  ];
}

function quantity({ median, min, max }: Spread, unit: Unit): string {
  const range = min === max ? '' : ` (${shown(min)} to ${shown(max)})`;
  return `${shown(median)} ${unit}${range}`;
}

function costCells({ rounds, many }: Results): string[][] {
  const groups = new Map<string, { step: string; contestant: string; costs: Cost[] }>();
  const add = (round: Round, step: string, cost: Cost | undefined): void => {
    if (!cost) return;
    const key = `${step}\n${round.contestant}`;
    const group = groups.get(key) ?? { step, contestant: round.contestant, costs: [] };
    group.costs.push(cost);
    groups.set(key, group);
  };
  const addAll = (round: Round, label: string): void => {
    add(round, `${label}: capture`, round.capture);
    add(round, `${label}: restore`, round.restore);
    add(round, `${label}: again`, round.again);
    for (const { kind, cost } of round.growth) add(round, `${label}: changed, ${kind}`, cost);
  };
  for (const round of rounds) addAll(round, round.way);
  for (const { files, round } of many) addAll(round, `${round.way}, ${files} tiny files`);
  const sorted = [...groups.values()].sort((a, b) => (a.step < b.step ? -1 : a.step > b.step ? 1 : 0));
  return sorted.map(({ step, contestant, costs }) => {
    const highest = costs.reduce((a, b) => (b.peakBytes > a.peakBytes ? b : a));
    return [
      step,
      contestant,
      quantity(spreadOf(costs.map(({ seconds }) => seconds))!, 's'),
      shown(spreadOf(costs.map(({ cpuSeconds }) => cpuSeconds))!.median),
      (highest.peakBytes / MIB).toFixed(0),
      highest.peakOf,
    ];
  });
}
