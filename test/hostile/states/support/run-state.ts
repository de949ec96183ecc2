import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ResettleError } from '../../../../src/common/errors.ts';
import type { PackSource } from '../../../../src/common/ports.ts';
import { type RestoreOptions, restoreSnapshot, undoRestore } from '../../../../src/state/restore/index.ts';
import type { WorkerResult } from '../../../../src/state/restore/messages.ts';
import { identity, on } from '../../../state/support/source-machine.ts';
import { Forging } from './forging.ts';
import { Guard, makeScene, type Scene } from './guard.ts';
import type { HostileState, Must } from './hostile-state.ts';

/** What a process may have in memory, whatever it is given. */
export const MEMORY_MAX_BYTES = 400 * 1024 * 1024;
/** What a restore may add to it in a process that has begun: the real one begins with 110 MiB. */
const GROWTH_MAX_BYTES = MEMORY_MAX_BYTES - 120 * 1024 * 1024;

/** The most that this process has had in memory since `forgetPeak`. */
export function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

/** Only root may. */
export function forgetPeak(): void {
  if (process.geteuid?.() === 0) writeFileSync('/proc/self/clear_refs', '5');
}

/** Gives packs as a store does, which looks at their size. */
const asFromStore = ({ packs }: Forging): PackSource => ({
  async get(id, sizeBytes, into, signal) {
    if (packs.packs.get(id)?.length !== sizeBytes) throw new ResettleError('damaged', `pack ${id} has another size`);
    await packs.get(id, sizeBytes, into);
    signal.throwIfAborted();
  },
});

/** A folder for one state, gone when `work` has ended. */
export async function inScene<T>(work: (scene: Scene) => Promise<T>): Promise<T> {
  const top = mkdtempSync(join(tmpdir(), 'resettle-hostile-'));
  try {
    return await work(makeScene(top));
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
}

const restoreInWorker = (options: RestoreOptions): Promise<WorkerResult> => restoreSnapshot(options, on());

/**
 * Restores a hostile state into a guarded tree, and takes it back. Throws where anything is other than it must be. False
 * where it came so far that it had to be taken back and was not, since `restore` was another one, which keeps the locks.
 */
export function runState(state: HostileState, restore = restoreInWorker): Promise<boolean> {
  return inScene(async (scene) => {
    const snapshot = new Forging();
    state.forge(snapshot, scene);
    const signed = await snapshot.describe(state.descriptor?.(scene));
    const descriptor = state.spoil?.(signed) ?? signed;
    mkdirSync(scene.undoDir, { mode: 0o700 });
    state.before?.(scene);
    const there = namesIn(scene.target);
    const guard = new Guard(scene, state.shared);
    forgetPeak();
    const atFirst = peakBytes();
    const { source, stateId, stateKey } = identity;
    const outcome = await restore({
      descriptor,
      stateKey,
      expected: { stateId, source, association: undefined },
      target: scene.target,
      strip: false,
      source: asFromStore(snapshot),
      restoreId: 'test',
      undoDir: scene.undoDir,
      ...state.options,
    }).catch((error: unknown) => error);
    guard.check();
    judge(state.must, outcome, scene, there);
    const growth = peakBytes() - atFirst;
    assert.ok(growth < GROWTH_MAX_BYTES, `it took ${growth} bytes of memory`);
    // Without a plan nothing was done.
    if (state.undo === false || !existsSync(join(scene.undoDir, 'plan'))) return true;
    if (restore !== restoreInWorker) return false;
    await undoRestore({ undoDir: scene.undoDir }, on());
    assert.deepEqual(namesIn(scene.target), there, 'what was there before is there again');
    guard.check();
    return true;
  });
}

const SLASH = Buffer.from('/');
const isJournal = (name: string): boolean => name.startsWith('.resettle-restore-');

/** Paths beneath the target; of a journal nothing. */
export function namesIn(target: string): string[] {
  if (!lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) return [];
  const names: string[] = [];
  // On our own: Node's walk goes into links to folders.
  const visit = (folder: Buffer, above: string): void => {
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      const shown = `${above}${name.toString('latin1')}`;
      if (above === '' && isJournal(shown)) continue;
      names.push(shown);
      const path = Buffer.concat([folder, SLASH, name]);
      if (lstatSync(path).isDirectory()) visit(path, `${shown}/`);
    }
  };
  visit(Buffer.from(target), '');
  return names.sort();
}

function judge(must: Must, outcome: unknown, scene: Scene, there: readonly string[]): void {
  if ('refused' in must) {
    assert.ok(outcome instanceof ResettleError, `it must be refused, and ended with ${describe(outcome)}`);
    assert.equal(outcome.code, must.refused, outcome.message);
    assert.match(outcome.message, must.says);
    const known = new Set([...there, ...(must.leaves ?? [])]);
    const made = namesIn(scene.target).filter((name) => !known.has(name));
    const files = made.filter((name) => !lstatSync(Buffer.from(join(scene.target, name), 'latin1')).isDirectory());
    assert.deepEqual(files, [], 'nothing of it is in place');
    return;
  }
  if (outcome instanceof Error) throw outcome;
  const result = outcome as WorkerResult;
  if ('listed' in must) {
    for (const [path, says] of Object.entries(must.listed)) {
      const reasons = result.withheld.items.filter((item) => item.path === path).map(({ reason }) => reason);
      assert.ok(
        reasons.some((reason) => says.test(reason)),
        `${path} is listed: ${describe(result.withheld.items)}`,
      );
    }
    must.and?.(scene);
  } else if ('conflict' in must) {
    const paths = result.conflictItems.items.map(({ path }) => path);
    for (const path of must.conflict) assert.ok(paths.includes(path), `${path} among the conflicts ${describe(paths)}`);
    must.and?.(scene);
  } else {
    must.harmless(scene);
  }
}

const describe = (value: unknown): string =>
  value instanceof Error
    ? `${value.message}`
    : JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? `${one}` : one));
