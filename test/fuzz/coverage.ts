/** Which blocks of the program have run: V8's own counters, read through its inspector. It costs two milliseconds a look. */
import { type Profiler, Session } from 'node:inspector';

/** Scripts whose blocks count: the program's, and of libraries those that read what others wrote. */
const COUNTED =
  /\/src\/(?!common\/errors)|\/node_modules\/(?:cborg|yaml|protons-runtime|age-encryption|@libp2p\/peer-record)\//;

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that have run since the last look and were never remembered. */
  unseen(): string[] {
    const found: string[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error) throw error;
      for (const script of taken.result) if (COUNTED.test(script.url)) this.#addUnseen(script, found);
    });
    return found;
  }

  remember(blocks: readonly string[]): void {
    for (const block of blocks) this.#seen.add(block);
  }

  /** Blocks that were remembered. */
  get blocks(): number {
    return this.#seen.size;
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #addUnseen({ scriptId, functions }: Profiler.ScriptCoverage, found: string[]): void {
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        const block = `${scriptId}:${startOffset}:${endOffset}`;
        if (count > 0 && !this.#seen.has(block)) found.push(block);
      }
    }
  }
}
