import { execFile } from 'node:child_process';
import { connect, isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** An address that is asked whether it answers. */
export interface LinkTarget {
  /** Of IPv4 or IPv6. */
  readonly address: string;
  /** The interface that it is behind: for gateways, whose neighbour entry is asked too. */
  readonly device?: string;
  /** A TCP port to knock at; any answer counts, a refusal too. */
  readonly port?: number;
}

/** Whether something answers at an address within the time. Never throws. */
export type Probe = (target: LinkTarget, timeoutMs: number) => Promise<boolean>;

/** Runs a program; undefined where it is not installed. */
export type RunTool = (tool: string, args: readonly string[], timeoutMs: number) => Promise<ToolAnswer | undefined>;
export interface ToolAnswer {
  readonly status: number | null;
  readonly stdout: string;
}

/** Ports that are closed or open on routers, and answer either way. */
const PORTS = [53, 443];
const LOOK_EVERY_MS = 100;

/** The usual probe: one of an echo, a TCP answer or a fresh neighbour entry is enough. */
export function linkProbe(run: RunTool = runTool): Probe {
  return async (target, timeoutMs) => {
    const { address, device, port } = target;
    if (isIP(address) === 0) return false;
    const host = address.startsWith('fe80:') && device && !address.includes('%') ? `${address}%${device}` : address;
    const asked = [
      ...(port === undefined ? PORTS : [port]).map((one) => answersByTcp(host, one, timeoutMs)),
      answersByPing(run, host, timeoutMs),
      ...(device === undefined ? [] : [answersAsNeighbour(run, address, device, timeoutMs)]),
    ];
    return firstTrue(asked);
  };
}

async function firstTrue(asked: readonly Promise<boolean>[]): Promise<boolean> {
  const failing = asked.map(async (one) => {
    if (!(await one)) throw new Error('no answer');
  });
  return Promise.any(failing).then(
    () => true,
    () => false,
  );
}

function answersByTcp(host: string, port: number, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once('connect', () => end(true));
    // "No route" comes from this machine or a router on the way; a refusal comes from there.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' || code === 'ECONNRESET'));
  });
}

async function answersByPing(run: RunTool, host: string, timeoutMs: number): Promise<boolean> {
  const seconds = `${Math.max(1, Math.floor(timeoutMs / 1000))}`;
  return (await run('ping', ['-c', '1', '-W', seconds, host], timeoutMs + 1000))?.status === 0;
}

/** The kernel asks its neighbour anew: an entry that was reachable a while ago says nothing of now. */
async function answersAsNeighbour(run: RunTool, address: string, device: string, timeoutMs: number): Promise<boolean> {
  const untilMs = performance.now() + timeoutMs;
  await run('ip', ['neigh', 'change', address, 'dev', device, 'nud', 'probe'], timeoutMs);
  while (performance.now() < untilMs) {
    const state = stateIn((await run('ip', ['-j', 'neigh', 'show', 'to', address, 'dev', device], timeoutMs))?.stdout);
    if (state === 'REACHABLE' || state === 'PERMANENT') return state === 'REACHABLE';
    if (state === 'FAILED') return false;
    await sleep(LOOK_EVERY_MS);
  }
  return false;
}

function stateIn(text: string | undefined): string | undefined {
  try {
    const [entry] = JSON.parse(text ?? '') as { state?: string[] }[];
    return entry?.state?.[0];
  } catch {
    return undefined;
  }
}

export const runTool: RunTool = (tool, args, timeoutMs) =>
  new Promise((resolve) => {
    const options = { timeout: timeoutMs, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }, cwd: '/' };
    execFile(tool, [...args], options, (error, stdout) => {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') resolve(undefined);
      else resolve({ status: error ? (typeof error.code === 'number' ? error.code : null) : 0, stdout });
    });
  });
