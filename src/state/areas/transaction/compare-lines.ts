import { AREA_DIFFERENCE_COMPARED_LINES } from '../../../common/limits.ts';

export interface LineChange {
  readonly sign: '+' | '-';
  readonly line: string;
}

/**
 * Which lines go and which come, in the order of the file. Where more than AREA_DIFFERENCE_COMPARED_LINES lie between what both
 * have in front and behind, all of those go and come.
 */
export function compareLines(old: readonly string[], young: readonly string[]): LineChange[] {
  let front = 0;
  while (front < old.length && front < young.length && old[front] === young[front]) front += 1;
  let behind = 0;
  const left = Math.min(old.length, young.length) - front;
  while (behind < left && old[old.length - 1 - behind] === young[young.length - 1 - behind]) behind += 1;
  return between(old.slice(front, old.length - behind), young.slice(front, young.length - behind));
}

function between(old: readonly string[], young: readonly string[]): LineChange[] {
  const gone = (line: string): LineChange => ({ sign: '-', line });
  const come = (line: string): LineChange => ({ sign: '+', line });
  const isLong = Math.max(old.length, young.length) > AREA_DIFFERENCE_COMPARED_LINES;
  if (isLong || old.length === 0 || young.length === 0) return [...old.map(gone), ...young.map(come)];
  const common = commonLengths(old, young);
  const changes: LineChange[] = [];
  for (let i = 0, j = 0; i < old.length || j < young.length; ) {
    if (i < old.length && j < young.length && old[i] === young[j]) {
      i += 1;
      j += 1;
    } else if (j === young.length || (i < old.length && at(common, i + 1, j) >= at(common, i, j + 1))) {
      changes.push(gone(old[i++]!));
    } else {
      changes.push(come(young[j++]!));
    }
  }
  return changes;
}

interface Table {
  readonly width: number;
  readonly cells: Uint16Array;
}

const at = ({ width, cells }: Table, i: number, j: number): number => cells[i * width + j]!;

/** Of every pair of places, how many lines both have in common from there on. */
function commonLengths(old: readonly string[], young: readonly string[]): Table {
  const width = young.length + 1;
  const cells = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = young.length - 1; j >= 0; j--) {
      const here = i * width + j;
      cells[here] =
        old[i] === young[j] ? cells[here + width + 1]! + 1 : Math.max(cells[here + width]!, cells[here + 1]!);
    }
  }
  return { width, cells };
}
