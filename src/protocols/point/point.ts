import type { Connection } from '@libp2p/interface';
import { bytesOfHex, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import { type PackId, packId, type StateId } from '../../common/ids.ts';
import { COMMIT_BYTES_PER_SECOND, COMMIT_TIMEOUT_MS } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import { errorOfFault, faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import type { Turns } from '../wire/turns.ts';
import {
  type Capacity,
  type Commit,
  type Holding,
  type KeyFile,
  type Lease,
  POINT_PROTOCOL,
  PointAnswer,
  PointRequest,
  type Reserve,
} from './messages.ts';

const PACK_ID_BYTES = 32;

export function joinPackIds(ids: readonly PackId[]): Uint8Array {
  return Buffer.concat(ids.map(bytesOfHex));
}

/** Throws `damaged` where the bytes are not whole ids. */
export function splitPackIds(bytes: Uint8Array): PackId[] {
  if (bytes.length % PACK_ID_BYTES !== 0) throw new ResettleError('damaged', 'a list of packs is cut short');
  return Array.from({ length: bytes.length / PACK_ID_BYTES }, (_, index) =>
    packId(hexOf(bytes.subarray(index * PACK_ID_BYTES, (index + 1) * PACK_ID_BYTES))),
  );
}

export interface PointHost {
  /** Does what a member asks of this point from that address (a multiaddr). Throws ResettleError to refuse. */
  onPointRequest(request: Partial<PointRequest>, remotePeer: string, address?: string): Promise<Partial<PointAnswer>>;
}

export async function servePoint(
  registrar: Handlers,
  host: PointHost,
  log: (error: unknown, peer: string) => void,
  turns?: Turns,
): Promise<void> {
  await registrar.handle(POINT_PROTOCOL, async (stream, connection) => {
    const peer = connection.remotePeer.toString();
    const address = connection.remoteAddr.toString();
    const answer = (request: PointRequest): Promise<Partial<PointAnswer>> =>
      host.onPointRequest(request, peer, address).catch((error: unknown): Partial<PointAnswer> => {
        log(error, peer);
        return { fault: faultOf(error) };
      });
    await serve(stream, PointRequest, PointAnswer, answer, { inTurn: turns?.of(peer) }).catch(() => {});
  });
}

/** A point as its client sees it. Every method throws what the point answered. */
export class PointClient {
  readonly #connection: Connection;
  readonly #name: string;

  /** `name` stands for the point in messages to people. */
  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  async #ask(value: Partial<PointRequest>, signal: AbortSignal, timeoutMs?: number): Promise<PointAnswer> {
    const answer = await call(this.#connection, POINT_PROTOCOL, { codec: PointRequest, value }, PointAnswer, {
      signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (answer.fault) throw errorOfFault(answer.fault, this.#name);
    return answer;
  }

  async capacity(signal: AbortSignal): Promise<Capacity> {
    return this.#need((await this.#ask({ capacity: true }, signal)).capacity);
  }

  async reserve(reserve: Reserve, signal: AbortSignal): Promise<Lease> {
    return this.#need((await this.#ask({ reserve }, signal)).lease);
  }

  async release(lease: string, signal: AbortSignal): Promise<void> {
    await this.#ask({ release: lease }, signal);
  }

  /** Settles when the point has read every pack again and the descriptor is durable. `packBytes` is what it reads. */
  async commit(commit: Commit, packBytes: number, signal: AbortSignal): Promise<void> {
    await this.#ask({ commit }, signal, COMMIT_TIMEOUT_MS + (packBytes / COMMIT_BYTES_PER_SECOND) * 1000);
  }

  /** Which of these packs the point does not hold. Answers the source, the destination and other holders of the state. */
  async missing(state: StateId, packs: readonly PackId[], signal: AbortSignal): Promise<PackId[]> {
    const { missing } = await this.#ask({ missing: { state, packs: joinPackIds(packs) } }, signal);
    return splitPackIds(missing);
  }

  /** What the point holds for this machine. Throws `refused` when `state` is held for others. */
  async find(state: string, signal: AbortSignal): Promise<Holding[]> {
    return (await this.#ask({ find: { state } }, signal)).holdings;
  }

  /**
   * The descriptor of a snapshot, and a key file: the one wrapped to this machine, or the one that `keyName` names. Its
   * bytes are empty where there is none.
   */
  async snapshot(
    state: string,
    snapshot: number,
    signal: AbortSignal,
    keyName: '' | 'recovery' | 'code' = '',
  ): Promise<{ descriptor: Uint8Array; key: Uint8Array }> {
    const { descriptor, key } = await this.#ask({ snapshot: { state, snapshot, key: keyName } }, signal);
    return { descriptor, key };
  }

  /** Adds the state key as the source wrapped it to a destination that was named after the capture. */
  async addKey(state: StateId, key: KeyFile, signal: AbortSignal): Promise<void> {
    await this.#ask({ addKey: { state, key } }, signal);
  }

  /** The key files that another holder has. */
  async keys(state: StateId, signal: AbortSignal): Promise<readonly KeyFile[]> {
    return (await this.#ask({ keys: { state } }, signal)).keys;
  }

  #need<T>(part: T | undefined): T {
    if (part === undefined)
      throw errorOfFault({ code: 'failed', message: 'an answer without what was asked', hint: '' }, this.#name);
    return part;
  }
}
