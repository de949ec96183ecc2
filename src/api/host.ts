import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../common/clock.ts';
import { ResettleError } from '../common/errors.ts';
import { Agent } from '../node/agent/agent.ts';
import { defaultHomeDir, Home } from '../node/home/home.ts';
import { Fleet } from '../node/membership/fleet.ts';
import type { PointLimits } from '../node/roles/point/leases/capacity.ts';
import type { PointTiming } from '../node/roles/point/timing.ts';
import { dropStrayCaches } from '../node/roles/source/source-state.ts';
import { AgentService } from './agent-service.ts';
import { nameText } from './contract.ts';
import { ApiServer } from './server.ts';

export interface HostOptions {
  readonly homeDir?: string;
  readonly name?: string;
  readonly interfaces: readonly string[];
  readonly listen: readonly string[];
  readonly peers: readonly string[];
  readonly point?: { readonly dir: string; readonly timing?: Partial<PointTiming> } & PointLimits;
  readonly verbose: boolean;
}

export interface Ready {
  readonly peerId: string;
  readonly addresses: readonly string[];
}

/** Runs an agent and its local API until `signal`; then ends both cleanly. */
export async function runAgent(
  options: HostOptions,
  onReady: (ready: Ready) => void,
  signal: AbortSignal,
): Promise<void> {
  if (options.name !== undefined && !nameText.safeParse(options.name).success) {
    throw new ResettleError('usage', `not a name for a machine: ${JSON.stringify(options.name)}`, {
      hint: 'at most 64 characters, no slashes, no control characters',
    });
  }
  const home = new Home(options.homeDir ?? defaultHomeDir());
  const log = pino(
    { level: options.verbose ? 'debug' : 'info', base: null },
    pino.destination({ dest: 2, sync: true }),
  );
  const fleet = await Fleet.open({
    home,
    clock: systemClock,
    random: randomBytes,
    name: options.name ?? hostname(),
  });
  try {
    home.clearScratch();
    dropStrayCaches(home);
    const agent = await Agent.start({
      home,
      fleet,
      ...(options.name === undefined ? {} : { name: options.name }),
      interfaces: options.interfaces,
      listen: options.listen,
      peers: options.peers,
      ...(options.point ? { point: { ...options.point, dir: resolve(options.point.dir) } } : {}),
      clock: systemClock,
      random: randomBytes,
      log,
    });
    try {
      const server = await ApiServer.listen(new AgentService(agent), home.socketPath);
      try {
        onReady({ peerId: fleet.identity.peerId, addresses: agent.addresses() });
        await aborted(signal);
        log.info({}, 'ending');
      } finally {
        await server.close();
      }
    } finally {
      await agent.stop();
    }
  } finally {
    fleet.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }));
}
