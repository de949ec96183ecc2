import { type Spread, shown } from '../result/spread.ts';
import { table } from '../result/table.ts';
import type { Figure, Row } from './figures.ts';

const MIB = 1024 * 1024;
const RIGHT = [2, 3, 4, 5, 6, 7, 9];

const seconds = (spread: Spread | undefined): string =>
  spread === undefined ? '' : `${shown(spread.median)} (${shown(spread.min)}–${shown(spread.max)})`;

/** Medians with the lowest and the highest, then what was asked for. */
export function textOf(headline: string, rows: readonly Row[], figures: readonly Figure[]): string {
  const head = ['data', 'way', 'seconds', 'before', 'together', 'first file', 'CPU s', 'wire MB', 'peak MiB', 'load'];
  const lines = rows.map((row) => [
    row.data,
    row.mover,
    seconds(row.seconds),
    seconds(row.scanSeconds),
    seconds(row.wholeSeconds),
    shown(row.firstFileSeconds.median),
    shown(row.cpuSeconds.median),
    row.wireBytes === undefined ? '' : (row.wireBytes.median / 1e6).toFixed(0),
    Object.entries(row.peakBytes)
      .map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)}`)
      .join(', '),
    shown(row.load.median),
  ]);
  const judged = figures.map(({ what, value, unit, limit, met, aim, aimMet }) => [
    what,
    `${shown(value)} ${unit}`,
    `limit ${limit}: ${met ? 'met' : 'MISSED'}`,
    aim === undefined ? '' : `aim ${aim}: ${aimMet ? 'met' : 'missed'}`,
  ]);
  const parts = [headline, table(head, lines, RIGHT)];
  if (judged.length > 0) parts.push(table(['figure', 'value', 'limit', 'aim'], judged, [1]));
  return `${parts.join('\n\n')}\n`;
}
