/** What bounds a point. */
export interface PointLimits {
  /** Most bytes that all states together may take; undefined: as much as there is. */
  readonly quotaBytes: number | undefined;
  /** Free space of the file system that stays free. */
  readonly keepFreeBytes: number;
  readonly maxClients: number;
  /** Gives what it has, takes nothing new. */
  readonly drain: boolean;
  /** Only askers from these are served, such as `192.168.7.0/24`; none: everybody is. */
  readonly subnets?: readonly string[];
}

export interface Space {
  /** Free on the file system for us. */
  readonly diskFreeBytes: number;
  /** Taken by states, leases' written parts included. */
  readonly usedBytes: number;
  /** What living leases may still write. */
  readonly outstandingBytes: number;
}

/** Bytes that a new lease may have: never more than disk, floor, quota and the other leases leave. */
export function grantableBytes(limits: PointLimits, space: Space): number {
  if (limits.drain) return 0;
  const byDisk = space.diskFreeBytes - limits.keepFreeBytes;
  const byQuota = limits.quotaBytes === undefined ? byDisk : limits.quotaBytes - space.usedBytes;
  return Math.max(0, Math.floor(Math.min(byDisk, byQuota) - space.outstandingBytes));
}

/** Transfers that one member may have at once: half of the places, so that the others find one. */
export function clientsOfOne(maxClients: number): number {
  return Math.ceil(maxClients / 2);
}
