/**
 * What it costs when a point is killed at half of a capture: left alone, another point takes over, and the same point comes
 * back on the same address. Real agents on loopback; bytes are those of packs that went out, counted where they are sent.
 * `npm run bench:faults [-- MEGABYTES]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess, Command, type Ended, resettle } from '../../test/support/agents.ts';
import { compareTrees } from '../../test/support/compare-trees.ts';
import { bytesBelow, makeBulk } from '../../test/support/trees.ts';

const megabytes = Number(process.argv[2] ?? 400);
const BACK_AFTER_MS = 5_000;

/** A port that is free now: the point comes back on it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'resettle-faults-'));
  readonly #agents: AgentProcess[] = [];
  readonly #ports = new Map<string, number>();

  home(name: string): string[] {
    return ['--home', join(this.dir, name)];
  }

  async agent(name: string, isPoint: boolean): Promise<AgentProcess> {
    const port = this.#ports.get(name) ?? (await freePort());
    this.#ports.set(name, port);
    const store = isPoint ? ['--point', join(this.dir, `${name}-store`), '--keep-free', '0MB'] : [];
    const listen = ['--listen', `/ip4/127.0.0.1/tcp/${port}`];
    const agent = await AgentProcess.start(name, join(this.dir, name), [...listen, ...store]);
    this.#agents.push(agent);
    return agent;
  }

  async end(): Promise<void> {
    await Promise.all(this.#agents.filter(({ running }) => running).map((agent) => agent.end('SIGTERM')));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

interface Fault {
  readonly what: string;
  /** Called when half of the content is on the point. */
  readonly at: (nas: AgentProcess, place: Place) => Promise<void>;
}

async function halfIn(folder: string): Promise<void> {
  while (bytesOf(folder) * 2 < megabytes * 1e6) await new Promise((done) => setTimeout(done, 5));
}

function bytesOf(folder: string): number {
  try {
    return bytesBelow(folder);
  } catch (error) {
    // A pack that has just got its name.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

async function run({ what, at }: Fault): Promise<number> {
  const place = new Place();
  try {
    const nas = await place.agent('nas', true);
    for (const [name, isPoint] of [
      ['den', true],
      ['laptop', false],
      ['desk', false],
    ] as const) {
      await place.agent(name, isPoint);
    }
    await resettle(['fleet', 'init', ...place.home('nas'), '--name', 'faults']);
    const { token } = await resettle(['fleet', 'invite', ...place.home('nas'), '--uses', '3']);
    for (const name of ['den', 'laptop', 'desk']) {
      await resettle(['fleet', 'join', '-', ...place.home(name)], { input: String(token) });
    }
    const data = makeBulk(join(place.dir, 'data'), megabytes);
    const began = performance.now();
    const args = ['capture', data, ...place.home('laptop'), '--for', 'desk', '--points', 'nas,den', '--json'];
    const command = new Command(args);
    await halfIn(join(place.dir, 'nas-store', 'states'));
    await at(nas, place);
    const ended = await command.ended;
    const seconds = (performance.now() - began) / 1000;
    const into = join(place.dir, 'restored');
    await resettle(['restore', ...place.home('desk'), '--from', 'laptop', '--into', into, '--strip']);
    return row(what, ended, seconds, compareTrees(data, into).differences.length);
  } finally {
    await place.end();
  }
}

function row(what: string, { status, last, stdout }: Ended, seconds: number, differences: number): number {
  if (last.event !== 'done') throw new Error(`${what}: ${stdout}`);
  const ratio = Number(last.sentBytes) / Number(last.newBytes);
  const { pointName, newBytes, sentBytes, safe } = last;
  const figures = { what, status, pointName, newBytes, sentBytes, ratio: Number(ratio.toFixed(4)), differences, safe };
  console.log(JSON.stringify({ ...figures, seconds: Number(seconds.toFixed(1)) }));
  return ratio;
}

await run({ what: 'left alone', at: async () => {} });
await run({
  what: 'killed at half, another takes over',
  at: async (nas) => void (await nas.end('SIGKILL')),
});
await run({
  what: 'killed at half, back on the same address',
  at: async (nas, place) => {
    await nas.end('SIGKILL');
    await new Promise((done) => setTimeout(done, BACK_AFTER_MS));
    await place.agent('nas', true);
  },
});
