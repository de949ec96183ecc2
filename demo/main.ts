/**
 * The main job on this machine alone: three agents find each other on loopback, a real home goes from the first to a
 * point that fits, the first is killed, the third restores, and a comparison that shares no code with the restore judges.
 */
import { lstatSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AgentProcess, resettle } from '../test/support/agents.ts';
import { compareTrees } from '../test/support/compare-trees.ts';
import { chooseSample } from './sample.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const DIFFERENCES_SHOWN = 20;

const started = performance.now();
const say = (text: string): void => {
  console.error(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`);
};

function sourcePaths(from: string | undefined): string[] {
  if (from !== undefined) {
    const path = realpathSync(resolve(from));
    if (!lstatSync(path).isDirectory()) throw new Error(`${path} is not a folder`);
    say(`the home: ${path}`);
    return [path];
  }
  const parents =
    process.getuid?.() === 0
      ? ['/usr/share', '/usr/lib', join(PROJECT, 'node_modules')]
      : [homedir(), join(PROJECT, 'node_modules')];
  const sample = chooseSample(parents);
  say(`the home: ${sample.files} files, ${Math.round(sample.bytes / 1e6)} MB of this machine's own, read only`);
  return sample.paths;
}

async function discovered(agent: AgentProcess, others: readonly AgentProcess[]): Promise<void> {
  for (;;) {
    const { peers } = (await resettle(['peers', '--home', agent.home])) as {
      peers: { peerId: string; seenBy: string[] }[];
    };
    const seen = peers.filter((peer) => peer.seenBy.includes('mdns')).map((peer) => peer.peerId);
    if (others.every((other) => seen.includes(other.peerId))) return;
    if (performance.now() - started > 60_000) throw new Error(`${agent.name} does not find the others on lo`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function run(base: string, agents: AgentProcess[], paths: readonly string[]): Promise<boolean> {
  const start = async (name: string, more: readonly string[] = []): Promise<AgentProcess> => {
    const agent = await AgentProcess.start(name, join(base, name), more);
    agents.push(agent);
    say(`${name} runs as process ${agent.pid}, ${agent.peerId}`);
    return agent;
  };
  const nas = await start('office-nas', ['--point', join(base, 'nas-states'), '--keep-free', '0MB']);
  const laptop = await start('old-laptop');
  // The new machine offers a point as well, but one that is too small.
  const fresh = await start('new-laptop', [
    '--point',
    join(base, 'small-states'),
    '--quota',
    '1MB',
    '--keep-free',
    '0MB',
  ]);
  await discovered(laptop, [nas, fresh]);
  say('they have found each other by multicast DNS on lo');

  await resettle(['fleet', 'init', '--home', nas.home, '--name', 'demo office']);
  const { token } = (await resettle(['fleet', 'invite', '--home', nas.home, '--uses', '2'])) as { token: string };
  for (const agent of [laptop, fresh]) {
    const { admitted } = await resettle(['fleet', 'join', '-', '--home', agent.home], { input: token });
    if (admitted !== true) throw new Error(`${agent.name} was not admitted`);
    say(`${agent.name} has joined the fleet`);
  }

  say(`old-laptop captures for new-laptop`);
  await resettle(['capture', ...paths, '--home', laptop.home, '--for', 'new-laptop'], {
    showWords: true,
    mayLeaveOut: true,
  });
  await laptop.end('SIGKILL');
  say(`old-laptop is dead (killed); what it left is on office-nas, as ciphertext`);

  const into = join(base, 'restored');
  say('new-laptop restores');
  await resettle(['restore', '--home', fresh.home, '--from', 'old-laptop', '--into', into], {
    showWords: true,
    mayLeaveOut: true,
  });

  say('comparing every file with the original, by other means than the restore');
  let clean = true;
  let leftOut = 0;
  const sum = { files: 0, folders: 0, symlinks: 0, hardlinks: 0, bytes: 0 };
  for (const path of paths) {
    const { compared, differences, leftOut: special } = compareTrees(path, join(into, path));
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += compared[key];
    for (const difference of differences.slice(0, DIFFERENCES_SHOWN)) say(`DIFFERS ${path}: ${difference}`);
    leftOut += special.length;
    clean &&= differences.length === 0;
  }
  say(
    `compared ${sum.files} files, ${sum.folders} folders, ${sum.symlinks} symbolic links, ${sum.hardlinks} hard links, ` +
      `${sum.bytes} bytes: names, types, contents (SHA-256), modes, owners, times, link targets, link groups`,
  );
  if (leftOut > 0) say(`${leftOut} sockets, FIFOs and devices were left out, as the capture has listed`);
  say(clean ? 'nothing differs' : 'THE RESTORE DIFFERS FROM THE ORIGINAL');
  return clean;
}

const { values } = parseArgs({ options: { from: { type: 'string' } } });
const base = mkdtempSync(join(tmpdir(), 'resettle-demo-'));
const agents: AgentProcess[] = [];
const cleanUp = async (): Promise<void> => {
  await Promise.all(agents.map((agent) => agent.end('SIGTERM')));
  rmSync(base, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
}
try {
  process.exitCode = (await run(base, agents, sourcePaths(values.from))) ? 0 : 1;
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await cleanUp();
  say(`everything that this made is removed${process.exitCode === 0 ? '' : '; it FAILED'}`);
}
