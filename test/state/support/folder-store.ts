import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CaptureResult, describeSnapshot, planCapture } from '../../../src/state/capture/index.ts';
import { digest, openDescriptor } from '../../../src/state/format/index.ts';
import { Store, storeSink } from '../../../src/state/store/index.ts';
import { Layout } from '../../../src/state/store/layout.ts';
import { type OpenedSnapshot, openSnapshotFile } from '../../../src/state/tools/index.ts';
import { about, identity, on } from './source-machine.ts';

const { stateId, stateKey } = identity;

/** A store in a folder with snapshots of one state, each made with the stat cache of those before. */
export class FolderStore {
  readonly dir: string;
  readonly layout: Layout;
  readonly #scratch: string;
  /** What the last capture gave. */
  lastResult: CaptureResult | undefined;
  #snapshots = 0;
  #previous: Uint8Array | undefined;

  /** `folder` is an existing one for the store and for what the captures keep. */
  constructor(folder: string) {
    this.dir = join(folder, 'store');
    this.layout = new Layout(this.dir);
    this.#scratch = join(folder, 'capture-scratch');
    mkdirSync(this.#scratch);
  }

  /** Captures and commits; returns the number of the snapshot. */
  async capture(paths: readonly (string | Uint8Array)[]): Promise<number> {
    const store = await Store.open(this.dir, { create: true });
    try {
      await store.createState(stateId);
      const capture = await planCapture(
        {
          paths: paths.map((path) => Buffer.from(path)),
          exclude: [],
          scratchDir: this.#scratch,
          stateId,
          stateKey,
          cacheFile: join(this.#scratch, 'cache.db'),
          settleMs: 0,
          missingPacks: (ids) => store.missingPacks(stateId, ids),
        },
        on(),
      );
      try {
        const result = await capture.run(storeSink(store, stateId), on());
        await this.#commit(store, result);
        await capture.committed();
      } finally {
        await capture.close();
      }
    } finally {
      await store.close();
    }
    return this.#snapshots;
  }

  async #commit(store: Store, result: CaptureResult): Promise<void> {
    const snapshot = this.#snapshots + 1;
    const descriptor = await describeSnapshot(result, { ...about(identity), snapshot, previous: this.#previous });
    await store.writeDescriptor(stateId, snapshot, descriptor);
    this.#previous = digest(descriptor);
    this.lastResult = result;
    this.#snapshots = snapshot;
  }

  /** Opens it as one who only reads. */
  async open<T>(work: (store: Store) => Promise<T>, options: { readOnly: boolean } = { readOnly: true }): Promise<T> {
    const store = await Store.open(this.dir, options);
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }

  snapshot(number: number): Promise<OpenedSnapshot> {
    return this.open(async (store) => openSnapshotFile((await store.readDescriptor(stateId, number))!, stateKey));
  }

  /** Paths of all packs. */
  packFiles(): string[] {
    const folder = this.layout.packs(stateId);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile())
      .sort();
  }

  descriptorFile(snapshot: number): string {
    return this.layout.snapshot(stateId, snapshot);
  }

  async packsOf(snapshot: number): Promise<string[]> {
    const bytes = await this.open((store) => store.readDescriptor(stateId, snapshot));
    return (await openDescriptor(bytes!)).packs.map(({ id }) => id);
  }
}
