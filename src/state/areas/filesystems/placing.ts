import type { Owners } from '../base/types.ts';
import { deviceText, type FittedLine, fitLine } from './fit-line.ts';
import type { FstabEntry } from './fstab.ts';
import { kindOfLine, type LineKind, lineIds } from './line-kind.ts';
import { describe, deviceBehind } from './propose.ts';
import type { BlockDevice, FilesystemsContent } from './schema.ts';

/** A captured line, and what becomes of it: the same for the plan and for the check after it. */
export interface Placing {
  readonly id: string;
  readonly title: string;
  readonly kind: LineKind;
  readonly captured: FstabEntry;
  readonly fitted: FittedLine;
  readonly was: BlockDevice | undefined;
  /** What it was, for people. */
  readonly expected: string;
}

export function placingsOf(content: FilesystemsContent, owners: Owners): Placing[] {
  const ids = lineIds(content.fstab);
  return content.fstab.map((captured, at): Placing => {
    const kind = kindOfLine(captured);
    const was = deviceBehind(captured, content);
    const place = JSON.stringify(captured.path).slice(1, -1).slice(0, 200);
    const isDevice = kind === 'disk' || kind === 'swap';
    return {
      id: ids[at] ?? captured.path,
      title: kind === 'swap' ? `Swap on ${deviceText(captured.device)}` : `Mount ${place}`,
      kind,
      captured,
      fitted: fitLine(captured, owners),
      was,
      expected: isDevice ? describe(captured, was) : `${captured.type} from ${deviceText(captured.device)}`,
    };
  });
}

/** The line of a table for the same place: the same device's, where more than one is. */
export function lineFor({ kind, fitted: { entry } }: Placing, entries: readonly FstabEntry[]): FstabEntry | undefined {
  if (kind === 'swap') {
    const swaps = entries.filter(({ type }) => type === 'swap');
    return swaps.find(({ device }) => device === entry.device) ?? swaps[0];
  }
  const there = entries.filter(({ path }) => path === entry.path);
  return there.find(({ device, type }) => device === entry.device && type === entry.type) ?? there[0];
}

export const isSameDevice = (one: FstabEntry, other: FstabEntry): boolean =>
  one.device === other.device && one.type === other.type;

/** Whether two lines mount alike; `defaults` says nothing. */
export function hasSameOptions(one: FstabEntry, other: FstabEntry): boolean {
  const set = ({ options }: FstabEntry): string =>
    options
      .filter((option) => option !== 'defaults')
      .sort()
      .join(',');
  return set(one) === set(other);
}
