import type { Inbox } from '../threads/inbox.ts';
import { Buckets } from './buckets.ts';
import type { ContentParts, Contents, ContentWay } from './content-way.ts';
import { FilePlacer } from './file-placer.ts';
import { fetchManifest } from './manifest-walk.ts';
import type { FromRestoreWorker, RestoreWorkerData, ToRestoreWorker } from './messages.ts';
import { PackFeed } from './pack-feed.ts';
import { PackFiles } from './pack-files.ts';
import type { PartSpool } from './part-spool.ts';

/** A snapshot whose packs are held somewhere: its manifest says where every piece lies. */
export class PackWay implements ContentWay {
  readonly planned = undefined;
  readonly #data: RestoreWorkerData;
  readonly #feed: PackFeed;

  constructor(
    data: RestoreWorkerData,
    inbox: Inbox<ToRestoreWorker>,
    tell: (message: FromRestoreWorker, transfer: ArrayBuffer[]) => void,
  ) {
    this.#data = data;
    this.#feed = new PackFeed(data.packs, inbox, tell);
  }

  async manifest(parts: PartSpool, onPack: () => void): Promise<void> {
    await fetchManifest(parts, this.#data.packs.length, this.#feed, this.#data, onPack);
  }

  async known(): Promise<undefined> {
    return undefined;
  }

  contents(parts: ContentParts): Contents {
    const buckets = new Buckets(parts.spool);
    const packIds = this.#data.packs.map((pack) => pack.id);
    return new PackFiles({ ...parts, buckets, packIds, feed: this.#feed, keys: this.#data }, new FilePlacer(parts));
  }
}
