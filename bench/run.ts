import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian keeps programs; `sshd` is in a folder that a user's PATH may lack. */
const PROGRAM_FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
/** Settings of the person who runs the bench that would change what the peers do. */
const FOREIGN_SETTINGS = /^(RESTIC_|BORG_|RSYNC_|TAR_OPTIONS|SSH_)/;
const STDERR_SHOWN = 2000;

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** The environment of a peer: this process's, less its settings for the peers, and `more`. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN_SETTINGS.test(name));
  return { ...Object.fromEntries(kept), ...more };
}

/** Runs a program to its end and gives its standard output. Throws with its standard error where it does not end with 0. */
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
  await once(child, 'close');
  if (child.exitCode !== 0) {
    const how = child.exitCode === null ? `by ${child.signalCode}` : `with ${child.exitCode}`;
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
