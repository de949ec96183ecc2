import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../common/clock.ts';
import { ResettleError } from '../common/errors.ts';
import { defaultHomeDir, Home } from '../node/home/home.ts';
import { ApiClient } from './client.ts';
import type { Service } from './contract.ts';

/** The client of the agent that runs on this HOME. Whether one does shows at the first call. */
export async function agentClient(homeDir: string | undefined): Promise<Service> {
  return new ApiClient(new Home(homeDir ?? defaultHomeDir()).socketPath);
}

/** Asks the running agent, or, where none runs, opens HOME in this process for as long as the work takes. */
export async function withService<T>(homeDir: string | undefined, work: (service: Service) => Promise<T>): Promise<T> {
  const home = new Home(homeDir ?? defaultHomeDir());
  try {
    return await work(new ApiClient(home.socketPath));
  } catch (error) {
    if (!(error instanceof ResettleError) || error.code !== 'agent-not-running') throw error;
  }
  return await here(home, work);
}

/** The same for what writes nothing: where HOME has no keys yet, it gets none. */
export async function withReader<T>(homeDir: string | undefined, work: (service: Service) => Promise<T>): Promise<T> {
  const dir = homeDir ?? defaultHomeDir();
  if (existsSync(join(dir, 'identity.key'))) return await withService(homeDir, work);
  const away = mkdtempSync(join(tmpdir(), 'resettle-'));
  try {
    if (existsSync(join(dir, 'rules'))) symlinkSync(join(dir, 'rules'), join(away, 'rules'));
    return await here(new Home(away), work);
  } finally {
    rmSync(away, { recursive: true, force: true });
  }
}

/** Opens HOME in this process for as long as the work takes. */
async function here<T>(home: Home, work: (service: Service) => Promise<T>): Promise<T> {
  const { Fleet } = await import('../node/membership/fleet.ts');
  const { FleetService } = await import('./fleet-service.ts');
  const { dropStrayCaches } = await import('../node/roles/source/source-state.ts');
  const { callChecked } = await import('./checked.ts');
  const ground = { home, clock: systemClock, random: randomBytes };
  const fleet = await Fleet.open({ ...ground, name: hostname() });
  try {
    // Nobody else works in this HOME: what is there was left by one that was killed.
    home.clearScratch();
    dropStrayCaches(home);
    const service = new FleetService({ ...ground, fleet });
    // The same border as at the socket: what an agent would not take is not taken here.
    return await work({ call: (...call) => callChecked(service, ...call) });
  } finally {
    fleet.close();
  }
}
