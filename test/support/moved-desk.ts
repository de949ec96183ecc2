/** A restore over a cable, during which the new machine gets another address: what it costs, counted at the interface. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Namespace } from '../discovery/support/namespace.ts';
import { Command, type Ended, resettle } from './agents.ts';
import { type Comparison, compareTrees } from './compare-trees.ts';
import { bytesBelow, makeBulk, makeHome } from './trees.ts';

const DEVICE = 'cable';
const BEFORE = '10.78.1.2/24';
const AFTER = '10.78.1.77/24';
const POINT = '10.78.1.1/24';

export interface Moved {
  readonly ended: Ended;
  readonly comparison: Comparison;
  /** What the point holds of the state: packs, and a little beside them. */
  readonly storedBytes: number;
  /** Bytes that came in at the new machine's interface while it restored, all headers among them. */
  readonly wireBytes: number;
  readonly durationMs: number;
}

/** `change`: the address changes when half of the content is in place. As root only. */
export async function restoreOverCable(options: { megabytes: number; change: boolean }): Promise<Moved> {
  const base = mkdtempSync(join(tmpdir(), 'resettle-moved-'));
  const [pointSide, deskSide] = [new Namespace(), new Namespace()];
  const agents: Command[] = [];
  try {
    await deskSide.joinTo(pointSide, DEVICE, BEFORE, POINT);
    const home = (name: string): string[] => ['--home', join(base, name)];
    const start = async (namespace: Namespace, name: string, more: readonly string[] = []): Promise<void> => {
      const args = ['agent', ...home(name), '--name', name, '--interface', DEVICE, '--json', ...more];
      const agent = new Command(args, { namespace: namespace.name });
      agents.push(agent);
      await agent.event(({ event }) => event === 'ready');
    };
    // The old machine is at the point's end of the cable: only what comes to the new one is counted.
    await start(pointSide, 'nas', ['--point', join(base, 'states'), '--keep-free', '0MB']);
    await start(pointSide, 'laptop');
    await start(deskSide, 'desk');
    await resettle(['fleet', 'init', ...home('nas'), '--name', 'office']);
    const { token } = await resettle(['fleet', 'invite', ...home('nas'), '--uses', '2']);
    for (const name of ['laptop', 'desk'])
      await resettle(['fleet', 'join', '-', ...home(name)], { input: String(token) });
    const source = makeHome(makeBulk(join(base, 'ann'), options.megabytes));
    await resettle(['capture', source, ...home('laptop'), '--for', 'desk'], { mayLeaveOut: true });

    const into = join(base, 'restored');
    const startedMs = performance.now();
    const startBytes = deskSide.receivedBytes(DEVICE);
    const command = new Command(['restore', ...home('desk'), '--from', 'laptop', '--into', into, '--strip', '--json']);
    if (options.change) {
      await command.event(
        ({ phase, bytes, totalBytes }) => phase === 'restore' && Number(bytes) * 2 >= Number(totalBytes),
      );
      deskSide.ip('addr', 'del', BEFORE, 'dev', DEVICE);
      deskSide.ip('addr', 'add', AFTER, 'dev', DEVICE);
    }
    const ended = await command.ended;
    return {
      ended,
      comparison: compareTrees(source, into),
      storedBytes: bytesBelow(join(base, 'states', 'states')),
      wireBytes: deskSide.receivedBytes(DEVICE) - startBytes,
      durationMs: performance.now() - startedMs,
    };
  } finally {
    for (const agent of agents) agent.kill('SIGTERM');
    await Promise.all(agents.map(({ ended }) => ended));
    for (const namespace of [pointSide, deskSide]) namespace[Symbol.dispose]();
    rmSync(base, { recursive: true, force: true });
  }
}
