import { join } from 'node:path';
import { damaged } from '../format/damaged.ts';
import type { EntrySet } from '../format/entry-set.ts';
import { decodeFileRecords } from '../format/file-record.ts';
import { KIND } from '../format/frame-cipher.ts';
import { readPack } from '../format/pack-reader.ts';
import type { ContentParts, Contents, ContentWay } from '../restore/content-way.ts';
import type { KnownContent } from '../restore/manifest-checker.ts';
import type { RestoreWorkerData } from '../restore/messages.ts';
import type { PartSpool } from '../restore/part-spool.ts';
import type { AskLine } from './ask-line.ts';
import { ComingFiles } from './coming-files.ts';
import { RecordFile } from './record-file.ts';

const NOTHING_KNOWN: KnownContent = { of: () => [] };
const NO_ENTRIES = new Uint8Array(0);

/** The state comes from its source, as it is asked for: first a plan, then the files of it that are needed. */
export class ReceiveWay implements ContentWay {
  readonly planned = NOTHING_KNOWN;
  readonly #data: RestoreWorkerData;
  readonly #line: AskLine;
  /** Entries of the plan. */
  readonly #total: number;

  constructor(data: RestoreWorkerData, line: AskLine) {
    this.#data = data;
    this.#line = line;
    this.#total = data.sealed.parts.reduce((sum, part) => sum + part.entries, 0);
  }

  async manifest(parts: PartSpool, onPack: () => void): Promise<void> {
    const { packs, stateKey, stateId } = this.#data;
    const wanted = new Set(parts.packs(packs.length));
    for (let whole = false; !whole; ) {
      let index = 0;
      whole = await this.#line.ask({ what: 'plan', entries: NO_ENTRIES, offsets: [] }, (bytes) => {
        if (index >= packs.length || bytes.length !== packs[index]!.sizeBytes) {
          throw damaged('the plan has other packs than its descriptor says');
        }
        if (wanted.has(index)) parts.take(index, readPack(bytes, stateKey, stateId));
        index += 1;
        onPack();
      });
      if (whole && index < packs.length) throw damaged('the plan has fewer packs than its descriptor says');
    }
  }

  /** Asks for the hashes of files of which something of that size is there. */
  async known(candidates: () => EntrySet, spool: string): Promise<RecordFile | undefined> {
    const wanted = candidates();
    if (wanted.size === 0) return undefined;
    const { stateKey, stateId } = this.#data;
    const records = new RecordFile(join(spool, 'compared'), this.#total);
    for (let whole = false; !whole; ) {
      const ask = { what: 'compare', entries: wanted.encode(), offsets: [] } as const;
      whole = await this.#line.ask(ask, (bytes) => {
        for (const frame of readPack(bytes, stateKey, stateId)) {
          if (frame.kind !== KIND.manifest) throw damaged('content came where only hashes were asked for');
          for (const record of decodeFileRecords(frame.plain())) {
            if (record.kind === 'begun') continue;
            if (record.entry >= this.#total) throw damaged('a file came that the plan does not name');
            if (record.kind === 'file' || record.kind === 'more') records.add(record);
            if (record.kind === 'left' || record.kind === 'held' || !record.file.goesOn) wanted.delete(record.entry);
          }
        }
      });
    }
    return records;
  }

  contents(parts: ContentParts): Contents {
    const records = new RecordFile(join(parts.journal, 'received'), this.#total);
    return new ComingFiles({ ...parts, keys: this.#data, line: this.#line, total: this.#total, records });
  }
}
