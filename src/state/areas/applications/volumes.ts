import { statfsSync } from 'node:fs';
import { type Mount, mountOf, mountsOf } from '../base/mounts.ts';
import type { System } from '../base/system.ts';
import type { Volume } from './schema.ts';

/** The file systems of a machine; sizes are those of a running one. */
export class Volumes {
  readonly #isLive: boolean;
  readonly #mounts: readonly Mount[];
  readonly #known = new Map<string, Volume>();

  constructor(system: System) {
    this.#isLive = system.isLive;
    this.#mounts = mountsOf(system);
  }

  /** The one that a path lies on. */
  of(path: string): Volume | undefined {
    const mount = mountOf(this.#mounts, path) ?? this.#mounts.findLast((one) => one.path === '/');
    if (!mount) return undefined;
    const volume = this.#known.get(mount.path) ?? this.#measured(mount);
    this.#known.set(mount.path, volume);
    return volume;
  }

  #measured({ path, device, type }: Mount): Volume {
    const size_bytes = this.#isLive ? sizeOf(path) : undefined;
    return { path, device, type, ...(size_bytes !== undefined && { size_bytes }) };
  }
}

function sizeOf(path: string): number | undefined {
  try {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  } catch {
    return undefined;
  }
}
