import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { ResettleError } from '../common/errors.ts';

const AGAIN = { hint: 'run the same command again' };

/**
 * A secret from a file, or from standard input where that is `-`; asked for at the terminal where neither was given.
 * It never comes from the command line, where every user of the machine could read it.
 */
export async function readSecret(what: string, file: string | undefined): Promise<string> {
  if (file === '-') return oneLine(what, await text(process.stdin));
  if (file !== undefined) {
    const content = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw new ResettleError('not-found', `cannot read the ${what} from ${file}`, { cause });
    });
    return oneLine(what, content);
  }
  if (!process.stdin.isTTY) {
    throw new ResettleError('usage', `no ${what} was given`, {
      hint: 'give a file with the option, or - for standard input',
    });
  }
  return oneLine(what, await prompt(`${what}: `, false));
}

/** A new secret from the terminal, typed twice. */
export async function readNewSecret(what: string): Promise<string> {
  const secret = oneLine(what, await prompt(`${what}: `, false));
  if ((await prompt(`${what} again: `, false)) === secret) return secret;
  throw new ResettleError('usage', `the two ${what}s differ`, { hint: 'run the same command again' });
}

/**
 * A question at the terminal. `echo` false hides what is typed. Throws `unconfirmed` where the input ends (Ctrl-D), or the
 * signal's reason.
 */
export async function prompt(question: string, echo = true, signal?: AbortSignal): Promise<string> {
  // First: it is what ends the terminal's own echo.
  const lines = createInterface({ input: process.stdin, output: echo ? process.stderr : undefined, terminal: !echo });
  try {
    process.stderr.write(question);
    // A question whose input has ended is never settled by itself.
    const ended = new Promise<never>((_, reject) => {
      lines.once('close', () => reject(new ResettleError('unconfirmed', 'nobody has answered', AGAIN)));
    });
    return (await Promise.race([lines.question('', signal ? { signal } : {}), ended])).trim();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    lines.close();
    if (!echo) process.stderr.write('\n');
  }
}

function oneLine(what: string, content: string): string {
  const line = content.trim();
  if (line === '' || line.includes('\n')) throw new ResettleError('usage', `the ${what} must be one line of text`);
  return line;
}
