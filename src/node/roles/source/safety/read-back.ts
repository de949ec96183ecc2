import { asBuffer, hexOf } from '../../../../common/bytes.ts';
import type { RandomBytes } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import type { PeerIdText } from '../../../../common/ids.ts';
import { PACK_MAX_BYTES, READ_BACK_PACKS, READ_BACK_SEGMENTS } from '../../../../common/limits.ts';
import { BlocksSource } from '../../../../protocols/blocks/client.ts';
import { PointClient } from '../../../../protocols/point/point.ts';
import { digest, type PackReference, readPack } from '../../../../state/format/index.ts';
import type { FleetView } from '../../../fleet-view.ts';
import type { SourceState } from '../source-state.ts';
import { packsBitmap } from '../transfer/spread-sink.ts';

export interface ReadBackWish {
  readonly fleet: Pick<FleetView, 'connectTo'>;
  readonly random: RandomBytes;
  readonly holder: { readonly peerId: PeerIdText; readonly name: string };
  readonly state: Pick<SourceState, 'stateId' | 'key'>;
  /** Those of the snapshot's descriptor. */
  readonly packs: readonly PackReference[];
  readonly onBytes?: (bytes: number) => void;
}

/**
 * Fetches a few unpredictable packs of a snapshot from one holder, checks each by its name, and opens unpredictable segments
 * of each with the state's key. Returns which packs the holder says it has, as a bitmap. Throws what is wrong with it.
 */
export async function readBack(wish: ReadBackWish, signal: AbortSignal): Promise<Uint8Array> {
  const { fleet, holder, state, packs, random } = wish;
  const connection = await fleet.connectTo(holder.peerId, signal);
  const client = new PointClient(connection, holder.name);
  const ids = packs.map(({ id }) => id);
  const missing = new Set(await client.missing(state.stateId, ids, signal));
  const held = packs.filter(({ id }) => !missing.has(id));
  if (held.length === 0) {
    throw new ResettleError('not-found', `${holder.name} has none of the packs of this snapshot`);
  }
  const source = await BlocksSource.open({ connection, name: holder.name, state: state.stateId }, signal);
  try {
    const memory = new Uint8Array(PACK_MAX_BYTES);
    for (const pack of pickSome(held, READ_BACK_PACKS, random)) {
      await source.get(pack.id, pack.sizeBytes, memory, signal);
      await openSome(memory.subarray(0, pack.sizeBytes), pack, state, holder.name, random);
      wish.onBytes?.(pack.sizeBytes);
    }
    await source.close();
  } catch (error) {
    source.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
  return packsBitmap(packs, (id) => !missing.has(id));
}

/** Bounded work at a time: between two segments others get their turn on this thread. */
async function openSome(
  bytes: Uint8Array,
  pack: PackReference,
  { stateId, key }: Pick<SourceState, 'stateId' | 'key'>,
  holder: string,
  random: RandomBytes,
): Promise<void> {
  if (hexOf(digest(bytes)) !== pack.id) {
    throw new ResettleError('damaged', `${holder} gave wrong bytes for pack ${pack.id}`);
  }
  // Every head and the end of the pack verify; of the bodies some are opened.
  const frames = [...readPack(bytes, key, stateId)];
  await new Promise(setImmediate);
  for (const frame of pickSome(frames, READ_BACK_SEGMENTS, random)) {
    frame.plain();
    await new Promise(setImmediate);
  }
}

/** That many of the items, each as likely as another, in no order; all where there are not more. */
export function pickSome<T>(items: readonly T[], count: number, random: RandomBytes): T[] {
  const left = [...items];
  const picked: T[] = [];
  while (picked.length < count && left.length > 0) {
    // 48 bits of chance over a list that is far shorter: no item is favoured by more than one in a thousand million.
    const index = asBuffer(random(6)).readUIntBE(0, 6) % left.length;
    picked.push(left[index]!);
    left[index] = left.at(-1)!;
    left.pop();
  }
  return picked;
}
