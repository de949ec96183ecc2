import type { Writable } from 'node:stream';
import type { Clock } from '../common/clock.ts';
import { hintOf, messageOf, ResettleError } from '../common/errors.ts';
import type { PackId } from '../common/ids.ts';
import { ProgressMeter } from '../node/progress-meter.ts';
import { onDisk, openFolderStore } from '../node/roles/folder/disk.ts';
import type { OpenedKey, Secrets } from '../node/roles/folder/open-key.ts';
import { showPath } from '../state/fs/show-path.ts';
import type { Store, StoreOptions } from '../state/store/index.ts';
import { Layout } from '../state/store/layout.ts';
import {
  type Damage,
  type ExportReaders,
  exportSnapshot,
  type ListedEntry,
  listEntries,
  openSnapshotOf,
  pruneState,
  type Retention,
  readDescriptors,
  verifyState,
  writeNewFile,
} from '../state/tools/index.ts';
import type { ApiEvent } from './contract.ts';
import { chooseSnapshot, type HeldWithKey, statesOf, withKeys } from './store-access.ts';

export type { ListedEntry };

type Done = Record<string, unknown>;

/** What the tools for a store folder have in common. They run in the caller's process: no agent is asked. */
export interface StoreGround {
  /** Whose own keys are tried where no secret is given; it is not made. */
  readonly homeDir: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  emit(event: ApiEvent): void;
}

interface InStore extends Secrets {
  /** Absolute. */
  readonly dir: string;
  readonly state?: string | undefined;
}

export interface InSnapshot extends InStore {
  readonly snapshot?: number | undefined;
}

async function inStore<T>(dir: string, options: StoreOptions, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openFolderStore(dir, options);
  try {
    return await onDisk(store.dir, work(store));
  } finally {
    await store.close();
  }
}

/** Tells of every state and snapshot; what is sealed in them where a key opens it. Throws `damaged` at the end. */
export function listStore(ground: StoreGround, request: InStore): Promise<Done> {
  return inStore(request.dir, { readOnly: true }, async (store) => {
    const states = await withKeys(store, await statesOf(store, request.state), request, ground.homeDir);
    const problems: string[] = [];
    for (const state of states) problems.push(...(await listState(ground, store, state)));
    if (problems.length > 0) {
      throw new ResettleError('damaged', problems.join('; '), {
        hint: '"resettle store verify" names all that is damaged',
      });
    }
    return { store: store.dir, storeId: store.id, states: states.length };
  });
}

/** Returns what is damaged. */
async function listState(ground: StoreGround, store: Store, { held, key, problem }: HeldWithKey): Promise<string[]> {
  const { stateId, usedBytes } = held;
  const { headers, failed } = await readDescriptors(store, held);
  const problems = failed.map(({ snapshot, error }) => `snapshot ${snapshot} of state ${stateId}: ${messageOf(error)}`);
  if (problem !== undefined) problems.push(`state ${stateId}: ${problem}`);
  ground.emit({
    event: 'state',
    state: stateId,
    machine: headers.at(-1)?.source ?? null,
    keys: await store.keyNames(stateId),
    snapshots: held.snapshots.length,
    bytes: usedBytes,
    openedBy: key?.by ?? null,
  });
  for (const header of headers) {
    const packBytes = header.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const base = {
      event: 'snapshot',
      state: stateId,
      snapshot: header.snapshot,
      packs: header.packs.length,
      packBytes,
    };
    try {
      ground.emit(key ? { ...base, ...sealedDetails(openSnapshotOf(header, key.key).sealed) } : base);
    } catch (error) {
      problems.push(`snapshot ${header.snapshot} of state ${stateId}: ${messageOf(error)}`);
      ground.emit(base);
    }
  }
  return problems;
}

function sealedDetails(sealed: ReturnType<typeof openSnapshotOf>['sealed']): Done {
  return {
    machineName: shownText(sealed.machineName),
    platform: shownText(sealed.platform),
    capturedAt: new Date(Number(sealed.capturedAtNs / 1_000_000n)).toISOString(),
    ...sealed.totals,
    skipped: sealed.leftOut.count,
  };
}

/** A stranger may have chosen it: nothing in it may move a terminal's cursor. */
const shownText = (text: string): string => showPath(Buffer.from(text));

/** Tells of every item of one snapshot. */
export function listSnapshot(
  ground: StoreGround,
  request: InSnapshot,
  tell: (entry: ListedEntry) => void,
): Promise<Done> {
  return inStore(request.dir, { readOnly: true }, async (store) => {
    const { held, key, snapshot } = await chooseSnapshot(store, request, ground.homeDir);
    const { stateId } = held;
    await listEntries(snapshot, { stateId, stateKey: key.key }, packPaths(store, stateId), tell, ground.signal);
    const { header, sealed } = snapshot;
    return { store: store.dir, state: stateId, snapshot: header.snapshot, machine: header.source, ...sealed.totals };
  });
}

const packPaths = (store: Store, state: Parameters<Layout['pack']>[0]) => {
  const layout = new Layout(store.dir);
  return (pack: PackId): string => layout.pack(state, pack);
};

const TOTALS = { snapshots: 0, packs: 0, packBytes: 0, unreferencedPacks: 0, unreferencedBytes: 0, files: 0 };

/** Checks a store, with contents where a key opens them. Tells of all that is damaged, then throws `damaged`. */
export function verifyStore(ground: StoreGround, request: InStore): Promise<Done> {
  return inStore(request.dir, { readOnly: true, buffers: 1 }, async (store) => {
    const states = await withKeys(store, await statesOf(store, request.state), request, ground.homeDir);
    const meter = progressOf(ground);
    const damages = { descriptor: 0, key: 0, manifest: 0, pack: 0, file: 0 };
    let hint: string | undefined;
    const onDamage = (damage: Damage): void => {
      damages[damage.what] += 1;
      hint ??= damage.hint;
      ground.emit({ event: 'damaged', ...damage });
    };
    const totals = { ...TOTALS };
    for (const { held, key, problem } of states) {
      ground.emit({ event: 'note', message: verifyNote(held.stateId, key) });
      if (problem !== undefined) onDamage({ what: 'key', state: held.stateId, reason: problem });
      const on = { onDamage, onProgress: meter.onProgress, signal: ground.signal };
      const result = await verifyState(store, held, key?.key, on);
      meter.finish();
      for (const name of Object.keys(TOTALS) as (keyof typeof TOTALS)[]) totals[name] += result[name];
    }
    const found = Object.entries(damages).filter(([, count]) => count > 0);
    if (found.length > 0) {
      const list = found.map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(', ');
      throw new ResettleError('damaged', `damaged in ${store.dir}: ${list}`, {
        hint: hint ?? 'check the disk; capture again if the source is there, or use another copy of the store',
      });
    }
    const opened = states.filter(({ key }) => key).length;
    return { store: store.dir, storeId: store.id, states: states.length, opened, ...totals };
  });
}

function verifyNote(state: string, key: OpenedKey | undefined): string {
  return key
    ? `state ${state}: every pack and every file (key: ${key.by})`
    : `state ${state}: every pack; files only with a key`;
}

export interface ExportRequest extends InSnapshot {
  readonly readers: ExportReaders;
  /** Absolute, or a stream such as standard output. */
  readonly out: string | Writable;
}

/** Writes a snapshot as `tar.zst.age`. */
export function exportFromStore(ground: StoreGround, request: ExportRequest): Promise<Done> {
  const { out, readers } = request;
  return inStore(request.dir, { readOnly: true }, async (store) => {
    const { held, key, snapshot } = await chooseSnapshot(store, request, ground.homeDir);
    const { header, sealed } = snapshot;
    const { stateId } = held;
    const meter = progressOf(ground);
    const result = await exportSnapshot(
      {
        snapshot,
        keys: { stateId, stateKey: key.key },
        pathOf: packPaths(store, stateId),
        readers,
        into: (write) => (typeof out === 'string' ? writeNewFile(out, write) : write(out)),
      },
      { onProgress: meter.onProgress, signal: ground.signal },
    );
    meter.finish();
    if (result.flagged > 0) note(ground, `${result.flagged} items have inode flags, which tar does not carry`);
    if (result.filled > 0) note(ground, `${result.filled} files have too many holes: they are written with zeros`);
    return {
      ...result,
      store: store.dir,
      state: stateId,
      snapshot: header.snapshot,
      machine: header.source,
      machineName: shownText(sealed.machineName),
      out: typeof out === 'string' ? out : '-',
    };
  });
}

const progressOf = ({ clock, emit }: StoreGround) => new ProgressMeter(clock, (event) => emit(event as ApiEvent));
const note = (ground: StoreGround, message: string): void => ground.emit({ event: 'note', message });

export interface PruneRequest {
  readonly dir: string;
  readonly state?: string | undefined;
  readonly retention: Retention;
  readonly dryRun: boolean;
}

/** Drops snapshots beyond the retention, and packs that nothing refers to. Throws `damaged` at the end, see `pruneState`. */
export function pruneStore(ground: StoreGround, request: PruneRequest): Promise<Done> {
  const { retention, dryRun } = request;
  return inStore(request.dir, dryRun ? { readOnly: true } : {}, async (store) => {
    const totals = { snapshots: 0, packs: 0, freedBytes: 0 };
    let failure: unknown;
    for (const held of await statesOf(store, request.state)) {
      ground.signal.throwIfAborted();
      try {
        const result = await pruneState(store, held, { retention, dryRun, now: ground.clock.now() });
        const { kept, dropped, droppedPacks, freedBytes, ofTheFuture } = result;
        for (const number of retention.withinMs === undefined ? [] : ofTheFuture) {
          note(ground, `snapshot ${number} of state ${held.stateId} was written in the future: it counts as new`);
        }
        ground.emit({ event: 'pruned', state: held.stateId, kept, dropped, packs: droppedPacks, freedBytes, dryRun });
        totals.snapshots += dropped.length;
        totals.packs += droppedPacks;
        totals.freedBytes += freedBytes;
      } catch (error) {
        if (!(error instanceof ResettleError) || error.code !== 'damaged') throw error;
        failure ??= error;
        ground.emit({
          event: 'damaged',
          what: 'descriptor',
          state: held.stateId,
          reason: error.message,
          hint: hintOf(error),
        });
      }
    }
    if (failure !== undefined) throw failure;
    return { store: store.dir, storeId: store.id, ...totals, dryRun };
  });
}
