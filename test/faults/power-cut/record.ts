/**
 * Records what programs do to folders: every file-system call of every thread and child, whichever library makes it
 * (Node, koffi, SQLite), as the kernel sees it. What is recorded is checked against the folders at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Recording } from './operations.ts';
import { scan } from './scan.ts';
import { callsIn } from './strace-lines.ts';
import { Tracer } from './tracer.ts';
import { differencesOf } from './tree-text.ts';

const NODE = fileURLToPath(new URL('../../../bin/node', import.meta.url));
const STRING_MAX_BYTES = 64 * 1024 * 1024;

const CALLS = [
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'mknodat', 'symlink', 'symlinkat', 'link', 'linkat'],
  ...['rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'dup', 'dup2', 'dup3', 'fcntl'],
  ...['write', 'writev', 'pwrite64', 'pwritev', 'ftruncate', 'truncate', 'copy_file_range', 'sendfile'],
  ...['fsync', 'fdatasync', 'sync', 'syncfs', 'chmod', 'fchmod', 'fchmodat', 'chown', 'lchown', 'fchown', 'fchownat'],
  ...['utimensat', 'setxattr', 'lsetxattr', 'fsetxattr', 'fremovexattr', 'clone', 'clone3', 'fork', 'vfork'],
];
/** Calls that write in a way that is not modelled: a recording with one of them is refused where it concerns us. */
const NOT_MODELLED = ['openat2', 'mknod', 'pwritev2', 'fallocate', 'splice'];

export interface Recorded {
  readonly recording: Recording;
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a script of Node with everything that it starts, until the last of them has ended. What it writes to its standard
 * output takes its place among the operations.
 */
export async function record(roots: readonly string[], script: URL, args: readonly string[]): Promise<Recorded> {
  const before = scan(roots);
  const folder = mkdtempSync(join(tmpdir(), 'resettle-strace-'));
  try {
    const log = join(folder, 'calls');
    const ended = await run(log, [NODE, '--disable-warning=ExperimentalWarning', fileURLToPath(script), ...args]);
    const tracer = new Tracer(before, roots);
    const lines: string[] = [];
    for await (const line of createInterface({ input: createReadStream(log, 'latin1') })) lines.push(line);
    for (const call of callsIn(lines)) {
      if (NOT_MODELLED.includes(call.name) && tracer.concerns(call)) throw new Error(`${call.name} is not modelled`);
      tracer.take(call);
    }
    const differences = differencesOf(tracer.disk, scan(roots));
    if (differences.length > 0) {
      throw new Error(
        `what was recorded is not what is there:\n${differences.slice(0, 20).join('\n')}\n${ended.stderr}`,
      );
    }
    return { recording: tracer.recording, ...ended };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(log: string, command: readonly string[]): Promise<Omit<Recorded, 'recording'>> {
  const trace = [...CALLS, ...NOT_MODELLED].join();
  const options = ['-f', '--seccomp-bpf', '-y', '-xx', '-s', `${STRING_MAX_BYTES}`, '-e', `trace=${trace}`];
  const child = spawn('strace', [...options, '-e', 'signal=none', '-o', log, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, UV_USE_IO_URING: '0' },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  await once(child, 'close');
  return { status: child.exitCode, stdout, stderr };
}
