import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { killWithDescendants } from './processes.ts';

/** Where Debian keeps programs; `sshd` is in a folder that a user's PATH may lack. */
const PROGRAM_FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
/** Settings of the person who runs the bench that would change what the peers do. */
const FOREIGN_SETTINGS = /^(RESTIC_|BORG_|RSYNC_|TAR_OPTIONS|SSH_)/;
const STDERR_SHOWN = 2000;
/** The longest that a timer can be set for. */
const NEVER_MS = 2 ** 31 - 1;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** After so long it is killed, with everything that it started, and counts as failed. */
  readonly timeoutMs?: number;
}

/** How a program is started in a network namespace; undefined is where this process is. */
export function inside(
  namespace: string | undefined,
  program: string,
  args: readonly string[],
): { program: string; args: string[] } {
  if (namespace === undefined) return { program, args: [...args] };
  return { program: 'ip', args: ['netns', 'exec', namespace, program, ...args] };
}

/** The environment of a peer: this process's, less its settings for the peers, and `more`. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN_SETTINGS.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/**
 * Runs a program to its end and gives its standard output. Throws with the end of what it said where it does not end with
 * 0, or not in time.
 */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_SHOWN);
  });
  const { timeoutMs } = options;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killWithDescendants(child.pid!);
  }, timeoutMs ?? NEVER_MS);
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(timer);
  }
  if (child.exitCode !== 0) {
    const ended = child.exitCode === null ? `by ${child.signalCode}` : `with ${child.exitCode}`;
    const how = late ? `after ${timeoutMs} ms, too late` : ended;
    throw new Error(`${program} ${args[0] ?? ''} ended ${how}: ${stderr.trim() || stdout.trim().slice(-STDERR_SHOWN)}`);
  }
  return stdout;
}

/** Where a program lies, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of PROGRAM_FOLDERS) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
