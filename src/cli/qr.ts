import { encode } from 'uqr';

/** Light modules around the code, so that a camera sees where it ends. */
const QUIET_MODULES = 2;
/** Black on white whatever the terminal's own colours are. */
const BLACK_ON_WHITE = '\u001b[38;5;16m\u001b[48;5;231m';
const PLAIN = '\u001b[0m';

export interface QrSpace {
  readonly columns: number;
  readonly rows: number;
  /** False draws light modules as blocks, right for light letters on a dark terminal. */
  readonly colour: boolean;
}

/** A QR code in lines of half blocks, two modules a line; no lines where it does not fit. */
export function qrLines(text: string, space: QrSpace): string[] {
  const { data, size } = encode(text, { ecc: 'L', border: QUIET_MODULES });
  if (size > space.columns || Math.ceil(size / 2) > space.rows) return [];
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    const cells = Array.from({ length: size }, (_, x) => {
      const upper = data[y]![x] === true;
      const lower = data[y + 1]?.[x] === true;
      return space.colour ? darkBlock(upper, lower) : darkBlock(!upper, y + 1 < size && !lower);
    });
    lines.push(space.colour ? `${BLACK_ON_WHITE}${cells.join('')}${PLAIN}` : cells.join(''));
  }
  return lines;
}

function darkBlock(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀';
  return lower ? '▄' : ' ';
}
