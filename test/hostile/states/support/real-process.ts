/** Hostile states given to the real program, in a process of its own that tells how much memory it took. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Home } from '../../../../src/node/home/home.ts';
import { openIdentity } from '../../../../src/node/identity/identity.ts';
import { wrapStateKey } from '../../../../src/state/format/index.ts';
import { Layout } from '../../../../src/state/store/layout.ts';
import { identity } from '../../../state/support/source-machine.ts';
import { Command, type Ended } from '../../../support/agents.ts';
import type { Forging } from './forging.ts';

export interface Measured extends Ended {
  /** The most memory that the process had. */
  readonly peakBytes: number;
}

const LOOK_EVERY_MS = 5;

/** A folder with stores, and the HOME of a machine that their keys are for. */
export class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-hostile-'));
  /** An age recipient: the machine's own, once a store was made. */
  recipient = '';
  #stores = 0;

  path(name: string): string {
    return join(this.dir, name);
  }

  /** Writes a snapshot as a store; returns its folder. */
  async store(snapshot: Forging, descriptor?: Uint8Array): Promise<string> {
    const { stateId, stateKey } = identity;
    const layout = new Layout(this.path(`store${this.#stores++}`));
    for (const path of [layout.tmp, layout.snapshots(stateId), layout.keys(stateId)])
      mkdirSync(path, { recursive: true });
    writeFileSync(layout.marker, JSON.stringify({ format: 1, store: 'ab'.repeat(32) }));
    for (const [id, bytes] of snapshot.packs.packs) {
      mkdirSync(layout.packFolder(stateId, id), { recursive: true });
      writeFileSync(layout.pack(stateId, id), bytes);
    }
    writeFileSync(layout.snapshot(stateId, 1), descriptor ?? (await snapshot.describe()));
    const { peerId, ageRecipient } = await openIdentity(new Home(this.path('home')));
    this.recipient = ageRecipient;
    writeFileSync(layout.key(stateId, peerId), await wrapStateKey(stateKey, ageRecipient));
    return layout.dir;
  }

  /** Runs a command of that machine. */
  async run(...args: string[]): Promise<Measured> {
    const command = new Command(['--home', this.path('home'), '--json', ...args]);
    let peakBytes = 0;
    const watch = setInterval(() => {
      peakBytes = Math.max(peakBytes, peakOf(command.pid));
    }, LOOK_EVERY_MS);
    const ended = await command.ended.finally(() => clearInterval(watch));
    return { ...ended, peakBytes };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The high-water mark, in bytes; 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
