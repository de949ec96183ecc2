import {
  closeSync,
  copyFileSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { damaged } from '../../format/damaged.ts';
import { fromSummedJson, toSummedJson } from '../../format/summed-json.ts';
import { close, openFolderAt, syncFileSystem } from '../../fs/calls.ts';
import { reasonOf } from '../../fs/errno.ts';
import { writeAll } from '../../fs/write-all.ts';
import type { AreaName } from '../base/names.ts';
import { type LogEntry, parseLog } from './log.ts';
import type { OwnedMode, Present } from './node.ts';
import { journalDirOf, readAreasOutcome, writeDurable, writeOutcome } from './outcome.ts';
import type { Phase, Step } from './steps.ts';
import type { AreasOutcome, AreasStatus } from './types.ts';

/** `plan.json`: what is done, so that it can be put back by anybody. */
export interface JournalPlan {
  readonly format: 1;
  /** In the names of unfinished files, so that nobody else has such a name. */
  readonly token: string;
  /** As in the outcome: where that is damaged, others must know whether it is their root. Earlier versions did not note it. */
  readonly root?: string;
  readonly steps: readonly Step[];
  readonly folders: Readonly<Record<string, OwnedMode>>;
}

/**
 * The folder `areas` of a restore (docs/FORMAT.md): the documents, what will be written, what was there, what was done. Nothing
 * is changed before its outcome says `staged`, and everything that it says was synced before.
 */
export class Journal {
  readonly undoDir: string;
  readonly plan: JournalPlan;
  readonly entries: LogEntry[];
  #outcome: AreasOutcome;
  #log: number | undefined;
  /** How much of the log can be read, where behind it lies what a loss of power left of lines. */
  readonly #wholeBytes: number | undefined;

  private constructor(undoDir: string, outcome: AreasOutcome, plan: JournalPlan, log: Buffer) {
    this.undoDir = undoDir;
    this.plan = plan;
    const { entries, bytes } = parseLog(log);
    this.entries = entries;
    this.#wholeBytes = bytes < log.length ? bytes : undefined;
    this.#outcome = outcome;
  }

  /** Stages a restore. `fill` writes contents and pre-images; then all is synced. Throws `failed` where another one was begun. */
  static begin(
    undoDir: string,
    documents: string,
    outcome: AreasOutcome,
    plan: JournalPlan,
    fill: (journal: Journal) => void,
  ): Journal {
    const dir = journalDirOf(undoDir);
    const status = readAreasOutcome(undoDir)?.status;
    if (status !== undefined && status !== 'rolled-back') {
      throw new ResettleError('failed', `${undoDir} is of another restore`, {
        hint: status === 'applied' || status === 'undone' ? 'give each restore its own id' : 'undo that one first',
      });
    }
    // Its outcome goes first: without it the rest says nothing.
    rmSync(join(dir, 'outcome.json'), { force: true });
    rmSync(dir, { recursive: true, force: true });
    for (const name of ['', 'documents', 'staged', 'before']) {
      mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    }
    try {
      copyDocuments(documents, join(dir, 'documents'));
      const journal = new Journal(undoDir, outcome, plan, Buffer.alloc(0));
      fill(journal);
      writeDurable(dir, 'plan.json', `${toSummedJson(plan)}\n`);
      writeDurable(dir, 'log', '');
      syncAll(dir);
      failpoint('areas.plan-written');
      writeOutcome(undoDir, outcome);
      return journal;
    } catch (error) {
      rmSync(dir, { recursive: true, force: true });
      throw error;
    }
  }

  /** The journal of an earlier run; undefined where nothing was staged to its end. Throws `damaged`. */
  static open(undoDir: string): Journal | undefined {
    const outcome = readAreasOutcome(undoDir);
    if (!outcome) return undefined;
    try {
      const read = (name: string) => readFileSync(join(journalDirOf(undoDir), name));
      const plan = fromSummedJson(read('plan.json').toString('utf8')) as JournalPlan;
      if (plan.format !== 1 || !isPlan(plan)) throw new Error('it is of another version, or damaged');
      return new Journal(undoDir, outcome, plan, read('log'));
    } catch (error) {
      throw damaged(`the journal of the areas that were restored, in ${undoDir}, cannot be read`, error);
    }
  }

  get dir(): string {
    return journalDirOf(this.undoDir);
  }

  get outcome(): AreasOutcome {
    return this.#outcome;
  }

  /** Where what a layer of a step writes is kept. */
  stagedPath(step: Step, level: number): string {
    return join(this.dir, 'staged', `${step.number}.${level}`);
  }

  /** Where the content is kept that a step's path had. */
  beforePath(step: Step): string {
    return join(this.dir, 'before', `${step.number}`);
  }

  /** What was at a step's path before its phase; undefined where the phase was not reached. */
  beforeOf(step: Step): Present | undefined {
    if (step.before) return step.before;
    for (const entry of this.entries) {
      const found = entry.did === 'late' ? entry.found.find(([number]) => number === step.number) : undefined;
      if (found) return found[1];
    }
    return undefined;
  }

  /** Areas whose changes were taken back, or never made, while others stayed. */
  get backedOut(): ReadonlySet<AreaName> {
    return new Set(this.entries.flatMap((entry) => (entry.did === 'back' ? entry.areas : [])));
  }

  /** The layer that a step has, or is to have; −1 where all of its areas were taken back. */
  levelOf({ layers }: Step): number {
    const areas = this.backedOut;
    const first = layers.findIndex(({ area }) => areas.has(area));
    return first < 0 ? layers.length - 1 : first - 1;
  }

  /** The last entry of a kind, of a phase where it has one. */
  last<Did extends LogEntry['did']>(did: Did, phase?: Phase): Extract<LogEntry, { did: Did }> | undefined {
    const isIt = (entry: LogEntry) =>
      entry.did === did && (phase === undefined || ('phase' in entry && entry.phase === phase));
    return this.entries.findLast(isIt) as Extract<LogEntry, { did: Did }> | undefined;
  }

  /** The name of a step's unfinished file: hidden, and with an ending that nothing takes for a setting. */
  tmpName(step: Step): Buffer {
    return Buffer.from(`.resettle-${this.plan.token}-${step.number}~`);
  }

  /** Throws `failed`. */
  note(entry: LogEntry, durability: 'synced' | 'unsynced' = 'synced'): void {
    try {
      this.#log ??= this.#openLog();
      appendWhole(this.#log, Buffer.from(`${toSummedJson(entry)}\n`));
      if (durability === 'synced') fsyncSync(this.#log);
    } catch (error) {
      throw new ResettleError('failed', `cannot write the journal in ${this.dir}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    this.entries.push(entry);
  }

  #openLog(): number {
    const log = openSync(join(this.dir, 'log'), 'a', 0o600);
    if (this.#wholeBytes !== undefined) ftruncateSync(log, this.#wholeBytes);
    return log;
  }

  /**
   * The same where nothing depends on it: a way back is found without these entries too, and a full disk must not close it.
   */
  noteIfPossible(entry: LogEntry): void {
    try {
      this.note(entry);
    } catch (error) {
      if (!(error instanceof ResettleError)) throw error;
      this.entries.push(entry);
    }
  }

  /** Durable when it returns. */
  setOutcome(change: Partial<AreasOutcome> & { readonly status: AreasStatus }): void {
    this.#outcome = { ...this.#outcome, ...change };
    writeOutcome(this.undoDir, this.#outcome);
  }

  /** Contents that no later run needs: they may hold secrets. */
  forget(what: 'staged' | 'before'): void {
    rmSync(join(this.dir, what), { recursive: true, force: true });
  }

  sync(): void {
    syncAll(this.dir);
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
  }
}

/** All of it or nothing: behind a part of a line the next one could not be read. */
function appendWhole(fd: number, line: Uint8Array): void {
  const before = fstatSync(fd).size;
  try {
    writeAll(fd, line);
  } catch (error) {
    ftruncateSync(fd, before);
    throw error;
  }
}

function copyDocuments(from: string, to: string): void {
  for (const one of readdirSync(from, { withFileTypes: true })) {
    const { name } = one;
    if (one.isFile() && /^[a-z-]+\.json$/.test(name)) copyFileSync(join(from, name), join(to, name));
  }
}

function syncAll(dir: string): void {
  const folder = openFolderAt(Buffer.from(dir));
  try {
    syncFileSystem(folder);
  } finally {
    close(folder);
  }
}

/** What every later use of a plan needs of it: one that a disk made another of is damaged, not a mistake of ours. */
function isPlan({ steps, folders }: JournalPlan): boolean {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
  const isStep = (step: Step | null): boolean =>
    Number.isSafeInteger(step?.number) &&
    typeof step?.path === 'string' &&
    Array.isArray(step.layers) &&
    step.layers.every(isObject);
  return isObject(folders) && Array.isArray(steps) && steps.every(isStep);
}
