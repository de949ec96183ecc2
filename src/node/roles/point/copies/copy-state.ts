import { ResettleError } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import type { PackId, PeerIdText } from '../../../../common/ids.ts';
import { PACK_MAX_BYTES, POINT_PACKS_IN_FLIGHT } from '../../../../common/limits.ts';
import type { KeyFile } from '../../../../protocols/point/messages.ts';
import type { PackReference, SnapshotHeader } from '../../../../state/format/index.ts';
import type { Store } from '../../../../state/store/index.ts';
import type { Log } from '../../../log.ts';
import type { Held, HeldStates } from '../held-states.ts';
import type { OtherPoint } from '../other-points.ts';
import { bitsOf, type PackBits } from '../pack-bits.ts';
import { checkedHolder } from '../upkeep/checked-holder.ts';

export interface CopyParts {
  readonly store: Store;
  readonly held: HeldStates;
  readonly log: Log;
  readonly onDamaged: (held: Held) => Promise<void>;
}

const RELEASE_MS = 5_000;

/** What one copy consists of: the newest snapshot, or this point's part of it. */
export interface CopyOf {
  readonly one: Held;
  readonly association: Uint8Array;
  readonly descriptor: Uint8Array;
  readonly header: SnapshotHeader;
  readonly packs: readonly PackReference[];
  readonly bits: PackBits;
  readonly keys: readonly KeyFile[];
}

/** Gathers what a copy of a state's newest snapshot takes. Undefined where it is not whole here. */
export async function copyOf(
  { store, held, onDamaged }: CopyParts,
  one: Held,
  association: Uint8Array,
): Promise<CopyOf | undefined> {
  const { newest, state } = one;
  const descriptor = newest && (await store.readDescriptor(state, newest.snapshot));
  const header = newest && (await held.header(state, newest.snapshot));
  if (!newest || newest.missing > 0 || !descriptor || !header) return undefined;
  if ((await held.badKeys(one)).length > 0) {
    await onDamaged(one);
    return undefined;
  }
  const keys: KeyFile[] = [];
  for (const name of await store.keyNames(state)) {
    const bytes = name === 'passphrase' ? undefined : await store.readKey(state, name);
    if (bytes) keys.push({ name, bytes });
  }
  const packs = await held.own(one, header);
  return onlyPacks({ one, association, descriptor, header, packs, bits: new Uint8Array(0), keys }, packs);
}

/** The same copy with some of its packs only. */
export function onlyPacks(copy: CopyOf, packs: readonly PackReference[]): CopyOf {
  const wanted = new Set(packs.map(({ id }) => id));
  return { ...copy, packs, bits: bitsOf(copy.header.packs, ({ id }) => wanted.has(id)) };
}

/** What the copy needs there: packs that are there already are not sent again. */
export function bytesToSend(copy: CopyOf, missing: ReadonlySet<PackId>): number {
  const packs = copy.packs.filter(({ id }) => missing.has(id)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return copy.keys.reduce((sum, { bytes }) => sum + bytes.length, packs + copy.descriptor.length);
}

/** Makes the copy on another point. What was sent when it breaks stays there for the next attempt. */
export async function sendCopy(
  parts: CopyParts,
  copy: CopyOf,
  other: OtherPoint,
  onPack: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { state } = copy.one;
  const ids = copy.packs.map(({ id }) => id);
  const missing = new Set(await other.missing(state, ids, signal));
  const bytes = bytesToSend(copy, missing);
  const { lease } = await other.reserve({ association: copy.association, state, bytes, copy: true }, signal);
  try {
    const packs = copy.packs.filter(({ id }) => missing.has(id));
    failpoint('copy.reserved');
    await sendPacks(parts, copy, other, lease, packs, onPack, signal);
    failpoint('copy.sent');
    const commit = {
      lease,
      snapshot: copy.header.snapshot,
      descriptor: copy.descriptor,
      keys: [...copy.keys],
      packs: copy.bits,
    };
    await other.commit(commit, bytes, signal);
  } catch (error) {
    // What was sent stays there; the room that was not used is given back. Where that fails, the lease expires.
    await other.release(lease, AbortSignal.timeout(RELEASE_MS)).catch((cause: unknown) => {
      parts.log.debug({ err: cause, state }, 'a lease of a copy could not be given up');
    });
    throw error;
  }
}

async function sendPacks(
  { store, held, onDamaged }: CopyParts,
  { one }: CopyOf,
  other: OtherPoint,
  lease: string,
  packs: readonly PackReference[],
  onPack: () => void,
  signal: AbortSignal,
): Promise<void> {
  const holder = checkedHolder(store, async (state) => {
    const damaged = held.get(state);
    if (damaged) await onDamaged(damaged);
  });
  const sink = await other.openSink(one.state, lease, signal);
  const waiting = [...packs];
  const sendSome = async (): Promise<void> => {
    for (let pack = waiting.shift(); pack; pack = waiting.shift()) {
      let buffer: Uint8Array | undefined = await holder.borrow(signal);
      try {
        const sizeBytes = await holder.loadPack(one.state, pack.id, buffer);
        await sink.put({ id: pack.id, bytes: buffer.subarray(0, sizeBytes) }, signal);
        holder.giveBack(buffer);
        buffer = undefined;
        onPack();
      } finally {
        // Queues may still hold views of what was not acknowledged.
        if (buffer) holder.giveBack(new Uint8Array(PACK_MAX_BYTES));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: POINT_PACKS_IN_FLIGHT }, sendSome));
    await sink.close();
  } catch (error) {
    sink.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** Why a point cannot take a copy, or undefined. */
export function lackForCopy(
  capacity: { freeBytes: number; draining: boolean; clients: number; maxClients: number; refusal: string },
  bytes: number,
): ResettleError | undefined {
  const lack = (message: string): ResettleError => new ResettleError('no-point', message);
  if (capacity.refusal !== '') return lack(capacity.refusal);
  if (capacity.draining) return lack('takes nothing new (it is draining)');
  if (capacity.freeBytes < bytes) return lack(`has ${capacity.freeBytes} of the ${bytes} bytes needed`);
  if (capacity.clients >= capacity.maxClients) return lack('serves as many clients as it may already');
  return undefined;
}

/** A point that was asked whether it can take a copy. */
export interface AskedForCopy {
  readonly peer: PeerIdText;
  readonly other: OtherPoint;
  /** What the copy takes there. */
  readonly bytes: number;
  readonly freeBytes: number;
}
