import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encode } from 'uqr';
import { qrLines } from '../../src/cli/qr.ts';

const LONGEST = `resettle:12D3KooW${'a'.repeat(44)}.${'b'.repeat(26)}`;
const text = fc.string({ unit: fc.constantFrom(...'abcXYZ027.:'), minLength: 1, maxLength: 100 });
const roomy = { columns: 200, rows: 200 };

/** Dark modules as the drawn lines show them. */
function modulesOf(lines: readonly string[], size: number, inkIsDark: boolean): boolean[][] {
  return Array.from({ length: size }, (_, y) =>
    [...lines[y >> 1]!].map((cell) => {
      const inked = cell === '█' || cell === (y % 2 === 0 ? '▀' : '▄');
      return inked === inkIsDark;
    }),
  );
}

describe('a QR code on a terminal', () => {
  it('shows every module of the code, in black on white and for dark terminals', () => {
    fc.assert(
      fc.property(text, (content) => {
        const { data, size } = encode(content, { ecc: 'L', border: 2 });
        const coloured = qrLines(content, { ...roomy, colour: true });
        const esc = String.fromCharCode(27);
        const bare = coloured.map((line) => {
          assert.ok(line.startsWith(`${esc}[38;5;16m${esc}[48;5;231m`) && line.endsWith(`${esc}[0m`));
          return line.replaceAll(/[^ ▀▄█]/gu, '');
        });
        assert.deepEqual(modulesOf(bare, size, true), data);
        assert.deepEqual(modulesOf(qrLines(content, { ...roomy, colour: false }), size, false), data);
      }),
      { numRuns: 20 },
    );
  });

  it('of a pairing fits a terminal of 80 columns and 24 rows', () => {
    const lines = qrLines(LONGEST, { columns: 80, rows: 24, colour: true });
    assert.ok(lines.length > 0 && lines.length <= 22, String(lines.length));
  });

  it('is left out where there is no room for it', () => {
    assert.deepEqual(qrLines(LONGEST, { columns: 40, rows: 200, colour: true }), []);
    assert.deepEqual(qrLines(LONGEST, { columns: 200, rows: 20, colour: false }), []);
  });
});
