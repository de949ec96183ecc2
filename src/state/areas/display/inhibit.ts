import { type ChildProcess, spawn } from 'node:child_process';
import type { System } from '../base/system.ts';

/** Holds a screen awake until it is stopped. */
export interface Inhibitor {
  /** Why nothing is held: no tool, no session manager, another machine's root. Undefined where it is. */
  readonly reason?: string;
  /** May be called more than once. */
  stop(): void;
}

export interface InhibitOptions {
  /** For tests: the program that takes systemd-inhibit's place. */
  readonly tool?: string;
}

/**
 * Keeps a live machine from blanking, locking by idleness and sleeping while something is done on it (`why`, shown by
 * `systemd-inhibit --list`). Ends with this process, however that ends: what is held waits for the end of a pipe. Never
 * throws; what the person wished about timeouts holds again after `stop`.
 */
export function inhibitBlanking(
  system: System,
  why: string,
  { tool = 'systemd-inhibit' }: InhibitOptions = {},
): Inhibitor {
  if (!system.isLive) return heldNothing('it is not the running machine');
  if (tool === 'systemd-inhibit' && !system.facts('/run/systemd/system'))
    return heldNothing('systemd does not run here');
  const child = spawn(tool, ['--what=idle:sleep', '--who=resettle', `--why=${why}`, '--mode=block', 'cat'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  return new Held(child, tool);
}

const heldNothing = (reason: string): Inhibitor => ({ reason, stop: () => {} });

class Held implements Inhibitor {
  #reason: string | undefined;
  readonly #child: ChildProcess;
  #isStopped = false;

  constructor(child: ChildProcess, tool: string) {
    this.#child = child;
    // Neither the program nor its pipe keeps this process alive.
    child.unref();
    (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
    child.stdin?.on('error', () => {});
    child.on('error', () => {
      this.#reason = `${tool} is not installed`;
    });
    child.on('exit', () => {
      if (!this.#isStopped) this.#reason ??= `${tool} was refused`;
    });
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#child.stdin?.end();
    this.#child.kill();
  }
}
