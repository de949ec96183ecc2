/** A pairing code on the screen, and from the keyboard. */
import type { ApiEvent } from '../api/contract.ts';
import { ResettleError } from '../common/errors.ts';
import type { Context } from './context.ts';
import { qrLines } from './qr.ts';
import { prompt } from './secrets.ts';

/** Rows beside the QR code that stay readable. */
const ROWS_KEPT = 6;

/** @param command what is run at the other machine */
export function showCode({ output }: Context, event: ApiEvent, command: string): void {
  if (process.stderr.isTTY) {
    const space = {
      columns: process.stderr.columns ?? 80,
      rows: (process.stderr.rows ?? 24) - ROWS_KEPT,
      colour: !process.env.NO_COLOR,
    };
    for (const line of qrLines(String(event.scan), space)) output.message(line);
  }
  output.code(String(event.pairingCode));
  output.message(`On the other machine:  ${command}`);
  output.message(`It asks for the code, which is good until ${timeOf(event)}.`);
}

function timeOf(event: ApiEvent): string {
  return new Date(String(event.expiresAt)).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}

/** The code that the other machine shows, asked for until it is one. Throws `usage` where nobody can be asked. */
export async function askCode(context: Context, shownBy: string, check: (text: string) => void): Promise<string> {
  if (!context.mayAsk) {
    throw new ResettleError('usage', 'no code was given', {
      hint: `give the CODE that "${shownBy}" shows on the other machine`,
    });
  }
  for (;;) {
    const code = await prompt('Code that the other machine shows: ', true, context.signal);
    try {
      check(code);
      return code;
    } catch (error) {
      if (!(error instanceof ResettleError) || error.code !== 'usage' || code === '') throw error;
      context.output.message(`${error.message}; ${error.hint ?? 'look again'}.`);
    }
  }
}
