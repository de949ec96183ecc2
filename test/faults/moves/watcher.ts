/** Asks what agents say of all moves while they run, and looks at once whether it is true. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unwrapStateKey } from '../../../src/state/format/index.ts';
import { compareTrees } from '../../support/compare-trees.ts';
import type { Random } from '../scenario.ts';
import type { Move } from './moves.ts';
import type { MovesOffice, Row } from './office.ts';
import { copiesIn, keyFileIn, namesIn, openAll } from './truth.ts';

const EVERY_MS = 400;
/** A falsehood that every sample repeats is told a few times. */
const LIES_MAX = 20;

export interface WatcherOptions {
  readonly office: MovesOffice;
  readonly moves: readonly Move[];
  /** The folders that points keep states in. */
  readonly stores: readonly string[];
  readonly operator: string;
  readonly random: Random;
}

export class Watcher {
  readonly #options: WatcherOptions;
  readonly lies: string[] = [];
  /** Members that count for nothing any more. */
  readonly revoked = new Set<string>();
  /** Moves whose tree was compared when somebody said for the first time that it is restored. */
  readonly #restored = new Set<string>();
  /** Snapshots of which everything was opened when they were said to be safe for the first time. */
  readonly #opened = new Map<string, Promise<void>>();
  #stopped = false;
  #running: Promise<void> | undefined;
  samples = 0;
  said = 0;
  openedBytes = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends when what was said last is checked, too. Throws where anybody said what was not so. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await this.checked();
  }

  /** Waits for checks that are under way. Throws where anybody said what was not so. */
  async checked(): Promise<void> {
    await Promise.all(this.#opened.values());
    if (this.lies.length > 0) throw new Error(`it was not true:\n${this.lies.join('\n')}`);
  }

  async #run(): Promise<void> {
    const { office, operator, random } = this.#options;
    while (!this.#stopped) {
      const running = office.running();
      const asked = new Set([operator, ...(running.length > 0 ? [random.pick(running)] : [])]);
      for (const name of asked) await this.#sample(name).catch((error: unknown) => this.#lie(name, String(error)));
      office.noteMemory();
      await sleep(EVERY_MS);
    }
  }

  async #sample(name: string): Promise<void> {
    let rows: readonly Row[];
    try {
      rows = (await this.#options.office.ask(name, 'status', { goal: 'restored' })).migrations as Row[];
    } catch {
      // It was killed just now.
      return;
    }
    this.samples += 1;
    for (const row of rows) {
      const move = this.#options.moves.find(({ source }) => source === row.sourceName);
      if (move) await this.#check(name, row, move);
    }
  }

  async #check(by: string, row: Row, move: Move): Promise<void> {
    this.said += 1;
    const lie = (text: string): void => this.#lie(by, `${move.source} is ${String(row.phase)}, but ${text}`);
    if (row.restoredAt !== null || row.phase === 'restored') {
      if (!this.#restored.has(move.source)) {
        this.#restored.add(move.source);
        const { differences } = compareTrees(move.tree, move.into);
        if (differences.length > 0) lie(`its tree differs: ${differences.slice(0, 3).join('; ')}`);
      }
      return;
    }
    // What was restored may be deleted, and not everybody has heard of either.
    if (this.#restored.has(move.source) || row.state === null) return;
    const { stores } = this.#options;
    const copies = await copiesIn(stores, String(row.state));
    if (Number(row.copies) > copies) lie(`there are ${copies} copies, not ${String(row.copies)}`);
    if ((row.phase === 'safe') !== (row.safeUntil !== null)) {
      if (row.phase === 'safe') lie('it does not say until when');
    }
    if (row.phase === 'stored' && (row.missing as string[]).length === 0) lie('it does not say what is missing');
    if (row.safeUntil === null) return;
    if (copies < move.replicas) lie(`it is safe, and there are ${copies} of ${move.replicas} copies`);
    if (Number(row.safeUntil) <= Date.now()) lie('its time is over');
    const key = `${String(row.state)} ${String(row.snapshot)}`;
    const opened = this.#opened.get(key) ?? this.#open(row, move).catch((error: unknown) => lie(String(error)));
    this.#opened.set(key, opened);
  }

  /** What the destination will have when the source is wiped must open everything. */
  async #open(row: Row, move: Move): Promise<void> {
    const state = String(row.state);
    const key = move.inPlace ? this.#keyInPlace(String(row.association), state) : await this.#keyOf(move, state);
    this.openedBytes += await openAll(this.#options.stores, state, key);
  }

  async #keyOf({ destination }: Move, state: string): Promise<Uint8Array> {
    const { office, stores } = this.#options;
    const identity = readFileSync(join(office.home(destination), 'age.key'), 'utf8').trim();
    return await unwrapStateKey(keyFileIn(stores, state, office.peerOf(destination)), identity);
  }

  /** The source's own, if enough of its shares are on machines that nobody is going to wipe. */
  #keyInPlace(association: string, state: string): Uint8Array {
    const { office, moves } = this.#options;
    const holders = office.machines().filter((name) => this.#keepsShare(name, association, state));
    const leaving = new Set(moves.map(({ source }) => source));
    const staying = holders.filter((name) => !leaving.has(name) && !this.revoked.has(name));
    const needed = Math.floor(holders.length / 2) + 1;
    if (staying.length < needed) {
      throw new Error(
        `${staying.length} of ${needed} shares of its key are on machines that stay: it is with ${holders.join(', ')}`,
      );
    }
    const source = moves.find(({ inPlace, source: name }) => inPlace && this.#hasState(name, association))!.source;
    const file = readFileSync(join(office.home(source), 'states', `${association}.json`), 'utf8');
    return Buffer.from((JSON.parse(file) as { key: string }).key, 'hex');
  }

  #hasState(name: string, association: string): boolean {
    return namesIn(join(this.#options.office.home(name), 'states')).includes(`${association}.json`);
  }

  #keepsShare(name: string, association: string, state: string): boolean {
    return namesIn(join(this.#options.office.home(name), 'shares')).includes(`${association}-${state}.json`);
  }

  #lie(by: string, text: string): void {
    if (this.lies.length < LIES_MAX) this.lies.push(`${by}: ${text}`);
  }
}
