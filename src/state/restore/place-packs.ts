import { asBuffer } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import type { StateId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import { digest } from '../format/digest.ts';
import { KIND } from '../format/frame-cipher.ts';
import { readPack } from '../format/pack-reader.ts';
import { segmentData } from '../format/segment.ts';
import { type Buckets, NO_PACK } from './buckets.ts';
import { frameOfRecord, readRecord } from './extent-record.ts';
import type { FilePlacer } from './file-placer.ts';
import type { PackFeed } from './pack-feed.ts';

export interface Keys {
  readonly stateId: StateId;
  readonly stateKey: Uint8Array;
}

/** Fetches every pack that is needed once, in order, and places the files whose bytes it holds. */
export async function placePacks(
  buckets: Buckets,
  feed: PackFeed,
  keys: Keys,
  placer: FilePlacer,
  onFile: () => void,
): Promise<void> {
  for (const { records, offsets } of buckets.take(NO_PACK)) {
    for (const offset of offsets) {
      placer.withoutPack(readRecord(records, offset));
      onFile();
    }
  }
  for await (const { index, bytes } of feed.fetch(buckets.packs())) {
    try {
      for (const run of buckets.take(index)) placePack(bytes, run, keys, placer, onFile);
    } catch (error) {
      if (error instanceof ResettleError && error.code === 'damaged') throw feed.damaged(index, error.message, error);
      throw error;
    }
  }
}

function placePack(
  bytes: Uint8Array,
  { records, offsets }: { readonly records: Buffer; readonly offsets: Uint32Array },
  keys: Keys,
  placer: FilePlacer,
  onFile: () => void,
): void {
  let next = 0;
  const isWanted = (frame: number) => next < offsets.length && frameOfRecord(records, offsets[next]!) === frame;
  for (const frame of readPack(bytes, keys.stateKey, keys.stateId)) {
    if (!isWanted(frame.number)) continue;
    if (frame.kind !== KIND.content) throw damaged('a file lies in a frame that holds no content');
    const data = segmentData(frame.plain());
    for (; isWanted(frame.number); next++) {
      const record = readRecord(records, offsets[next]!);
      const extent = data.subarray(record.offset, record.offset + record.length);
      if (extent.length !== record.length || !digest(extent).equals(asBuffer(record.hash))) {
        throw damaged('a piece of a file has another hash than the manifest says');
      }
      placer.write(record, extent);
      onFile();
    }
  }
  if (next < offsets.length) throw damaged('a pack has fewer frames than the manifest says');
}
