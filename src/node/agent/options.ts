import { resolve } from 'node:path';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import type { Home } from '../home/home.ts';
import type { Log } from '../log.ts';
import type { Fleet } from '../membership/fleet.ts';
import type { PointLimits } from '../roles/point/leases/capacity.ts';
import type { PointTiming } from '../roles/point/timing.ts';

export interface AgentOptions {
  readonly home: Home;
  readonly fleet: Fleet;
  readonly name?: string;
  /** Interface names; empty means the physical ones. */
  readonly interfaces: readonly string[];
  /** Multiaddrs; empty means the default port on those interfaces. */
  readonly listen: readonly string[];
  readonly peers: readonly string[];
  readonly point?: { readonly dir: string; readonly timing?: Partial<PointTiming> } & PointLimits;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
}

/** Folders of the agent's own that are never part of a state. */
export function ownFolders({ home, point }: Pick<AgentOptions, 'home' | 'point'>): string[] {
  return [home.dir, ...(point ? [resolve(point.dir)] : [])];
}
