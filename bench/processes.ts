/** What Linux tells of processes in /proc. A process that has just ended tells nothing. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Clock ticks a second of /proc/PID/stat on every Linux that Node runs on. */
const TICKS = 100;
const RESET_PEAK = '5';
/** Node renames its process after the thread. */
const NODE_MAIN_THREAD = 'MainThread';

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Every process that came from `pid`, itself left out. */
export function descendantsOf(pid: number): number[] {
  const found: number[] = [];
  collect(pid, found);
  return found;
}

function collect(pid: number, into: number[]): void {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    return;
  }
  for (const thread of threads) {
    for (const text of read(`/proc/${pid}/task/${thread}/children`).split(' ')) {
      const child = Number(text);
      if (child > 0 && !into.includes(child)) {
        into.push(child);
        collect(child, into);
      }
    }
  }
}

/** CPU seconds of a process, and of those of its children that have ended. */
export function cpuSecondsOf(pid: number): { own: number; endedChildren: number } {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(11, 15)
    .map((field) => Number(field) / TICKS);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields;
  return { own: user + system, endedChildren: childUser + childSystem };
}

/** The most memory that a process has had resident, in bytes, since its start or {@link resetPeakOf}; 0 if it is gone. */
export function peakBytesOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** The name of its program. */
export function nameOf(pid: number): string {
  const name = read(`/proc/${pid}/comm`).trim();
  return name === NODE_MAIN_THREAD ? 'node' : name;
}

/** From now on the peak is counted anew. */
export function resetPeakOf(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, RESET_PEAK);
  } catch {
    // It has ended, or belongs to somebody else: its peak is then that of its whole life.
  }
}

/** Ends a process and everything that came from it. */
export function killWithDescendants(pid: number): void {
  // Found before the first is killed: what has lost its parent cannot be found any more.
  for (const one of [...descendantsOf(pid), pid]) kill(one);
}

/** Ends everything that this process has started. */
export function killDescendants(): void {
  for (const pid of descendantsOf(process.pid)) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
