import { setTimeout as sleep } from 'node:timers/promises';
import { ResettleError } from '../../../../common/errors.ts';
import type { PackId, PeerIdText, StateId } from '../../../../common/ids.ts';
import { PointClient } from '../../../../protocols/point/point.ts';
import type { FleetView } from '../../../fleet-view.ts';
import { type Candidate, giveBack, type Part } from '../../../placement/place.ts';
import type { SourceOptions } from '../types.ts';
import { PointRoute } from './point-route.ts';
import { ResilientSink } from './resilient-sink.ts';
import { SpreadSink } from './spread-sink.ts';

/** What goes to one point: its reservation, the way there, and the sink at its end. */
export interface Way {
  readonly part: Part;
  readonly route: PointRoute;
  readonly sink: ResilientSink;
}

/** A session that was just ended is let go before its lease is given up. */
const RELEASE_AGAIN_MS = 500;
const RELEASE_AGAIN_LAST_MS = 16_000;
const RELEASE_REACH_MS = 5_000;

/** A member as placement asks it. */
export function candidateOf(
  fleet: Pick<FleetView, 'connectTo'>,
  peerId: PeerIdText,
  name: string,
  leaving = false,
): Candidate {
  return {
    peerId,
    name,
    leaving,
    connect: async (within) => {
      const connection = await fleet.connectTo(peerId, within);
      return { client: new PointClient(connection, name), address: connection.remoteAddr.toString() };
    },
  };
}

/** The points that take one snapshot: packs go through it, and it knows who got which. */
export class Ways {
  readonly all: readonly Way[];
  readonly sink: SpreadSink<ResilientSink>;

  constructor(
    options: Pick<SourceOptions, 'fleet' | 'clock' | 'times'>,
    parts: readonly Part[],
    about: { readonly state: StateId; readonly association: Uint8Array; readonly note: (message: string) => void },
  ) {
    this.all = parts.map((part) => wayOf(options, part, about));
    this.sink = new SpreadSink(this.all.map(({ sink, part }) => ({ sink, roomBytes: part.bytes })));
  }

  get sentBytes(): number {
    return this.all.reduce((sum, { sink }) => sum + sink.sentBytes, 0);
  }

  /** Whether that point was given that pack. */
  gave(peerId: PeerIdText, id: PackId): boolean {
    const sink = this.sink.holderOf(id);
    return sink !== undefined && this.all.some((way) => way.sink === sink && way.part.candidate.peerId === peerId);
  }

  async close(): Promise<void> {
    for (const { sink } of this.all) await sink.close();
  }

  abort(error: unknown): void {
    for (const { sink } of this.all) sink.abort(error instanceof Error ? error : new Error(String(error)));
  }
}

function wayOf(
  { fleet, clock, times }: Pick<SourceOptions, 'fleet' | 'clock' | 'times'>,
  part: Part,
  about: { readonly state: StateId; readonly association: Uint8Array; readonly note: (message: string) => void },
): Way {
  const { peerId, name } = part.candidate;
  const { state, association, note } = about;
  const route: PointRoute = new PointRoute({
    fleet,
    peerId,
    name,
    state,
    association,
    lease: part.lease,
    bytes: part.bytes,
    ackedBytes: () => sink.ackedBytes,
    stallMs: times?.stallMs,
  });
  const sink: ResilientSink = new ResilientSink({
    peerId,
    name,
    open: (signal) => route.open(signal),
    clock,
    note,
    ...(times?.reconnectMs === undefined ? {} : { reconnectMs: times.reconnectMs }),
    ...(times?.reconnectFirstMs === undefined ? {} : { reconnectFirstMs: times.reconnectFirstMs }),
  });
  return { part, route, sink };
}

/** What is given up: by the way where there is one, since its connection or its lease may be another by now. */
export interface Given {
  readonly part: Part;
  readonly way: Way | undefined;
}

export interface ReleasePatience {
  /** For how long who could not be reached is tried again, at least once. */
  readonly patienceMs: number;
  readonly stopping: AbortSignal | undefined;
}

/**
 * Gives leases up, again and again where a point does not answer: it may come back with its lease, which keeps everybody
 * else from that state. Returns why, by point, where one has to expire by itself.
 */
export async function release(
  given: readonly Given[],
  { patienceMs, stopping }: ReleasePatience = { patienceMs: 0, stopping: undefined },
): Promise<ReadonlyMap<string, unknown>> {
  let failed = await giveBack(await current(given, stopping));
  let waitedMs = 0;
  for (let waitMs = RELEASE_AGAIN_MS; failed.size > 0; waitMs = Math.min(2 * waitMs, RELEASE_AGAIN_LAST_MS)) {
    await sleep(waitMs, undefined, { ref: false, signal: stopping }).catch(() => {});
    if (stopping?.aborted) break;
    const again = given.filter(({ part }) => failed.has(part.candidate.name));
    failed = await giveBack(await current(again, stopping));
    waitedMs += waitMs;
    const isAnswered = [...failed.values()].every(
      (error) => error instanceof ResettleError && error.code === 'refused',
    );
    if (isAnswered || waitedMs >= patienceMs) break;
  }
  return failed;
}

async function current(given: readonly Given[], stopping?: AbortSignal): Promise<Part[]> {
  return await Promise.all(
    given.map(async ({ part, way }) => {
      if (!way) return part;
      const limit = AbortSignal.timeout(RELEASE_REACH_MS);
      const within = stopping ? AbortSignal.any([limit, stopping]) : limit;
      const client = await way.route.client(within).catch(() => part.client);
      return { ...part, client, lease: way.route.lease };
    }),
  );
}
