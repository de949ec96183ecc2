import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { PackId, PeerIdText, StateId } from '../../../common/ids.ts';
import { formatBytes } from '../../../common/sizes.ts';
import type { AreaName } from '../../../state/areas/base/names.ts';
import { type Capture, type CaptureResult, describeSnapshot, planCapture } from '../../../state/capture/index.ts';
import { openDescriptor, unwrapStateKeyByPassphrase } from '../../../state/format/index.ts';
import type { KeyName, PackSize, Store } from '../../../state/store/index.ts';
import type { Emit } from '../../events.ts';
import type { Home } from '../../home/home.ts';
import type { Fleet } from '../../membership/fleet.ts';
import { ProgressMeter } from '../../progress-meter.ts';
import { openScope, type Scope } from '../../scope/open-scope.ts';
import { refuseEmpty } from '../source/refuse-empty.ts';
import { openSourceState, type SourceState, storeLineage, writeSourceState } from '../source/source-state.ts';
import { diskSink, onDisk, openFolderStore } from './disk.ts';
import { type HeldSnapshots, readHeldSnapshots } from './held-snapshots.ts';
import { PackCheck } from './pack-check.ts';
import { chooseReaders, type Readers } from './readers.ts';

/** Of packs that are damaged. */
const DAMAGED_NAMED_MAX = 3;

export interface FolderOptions {
  readonly home: Home;
  /** Keys and records of this HOME; it may be in no fleet. */
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** Folders of the agent's own that are never part of a state. */
  readonly exclude: readonly string[];
}

export interface FolderCaptureRequest {
  /** Absolute, as the captured machine has them. */
  readonly paths: readonly string[];
  readonly areas?: readonly AreaName[] | undefined;
  /** The folder that is the captured machine's root; default `/`. */
  readonly root?: string | undefined;
  /** Absolute: the store, which is made where there is none. */
  readonly dir: string;
  readonly passphrase?: string | undefined;
  /** MACHINE of the fleet that shall be able to open it. */
  readonly for?: string | undefined;
}

export interface FolderCaptureDone {
  readonly state: StateId;
  readonly snapshot: number;
  readonly store: string;
  readonly storeId: string;
  readonly machine: PeerIdText | null;
  readonly machineName: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly newBytes: number;
  /** Of packs of earlier captures that were read again, so that this one may refer to them. */
  readonly checkedBytes: number;
  /** Of these, packs that were damaged: what they held was read and sealed anew. */
  readonly damagedPacks: number;
  readonly recipients: readonly string[];
  readonly skipped: number;
}

/** Captures paths of this machine to a store in a folder, such as a removable disk. Needs no network. */
export async function captureToFolder(
  options: FolderOptions,
  request: FolderCaptureRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<FolderCaptureDone> {
  const { fleet } = options;
  const readers = chooseReaders(fleet.log.roster(), fleet.identity.peerId, request);
  const exclude = [...options.exclude, request.dir];
  const folder = options.home.scratchFolder('areas-');
  try {
    const { paths, areas = [], root = '/' } = request;
    const wish = { paths, areas, root };
    const scope = await openScope(wish, {
      ...{ exclude, folder, nowMs: options.clock.now(), ruleFolders: options.home.ruleFolders() },
      ...{ emit, signal },
    });
    const isNew = !existsSync(join(request.dir, 'resettle.json'));
    const store = await openFolderStore(request.dir, { create: true, buffers: 1 });
    try {
      if (isNew) emit({ event: 'note', message: `made a new store in ${store.dir}` });
      return await new FolderCapture(options, store, readers, emit, signal).run(request, scope, exclude);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One capture to an open store. */
class FolderCapture {
  readonly #options: FolderOptions;
  readonly #store: Store;
  readonly #readers: Readers;
  readonly #emit: Emit;
  readonly #signal: AbortSignal;
  readonly #meter: ProgressMeter;

  constructor(options: FolderOptions, store: Store, readers: Readers, emit: Emit, signal: AbortSignal) {
    this.#options = options;
    this.#store = store;
    this.#readers = readers;
    this.#emit = emit;
    this.#signal = signal;
    this.#meter = new ProgressMeter(options.clock, emit);
  }

  async run(request: FolderCaptureRequest, scope: Scope, exclude: readonly string[]): Promise<FolderCaptureDone> {
    const { home, fleet, random } = this.#options;
    const { peerId } = fleet.identity;
    const lineage = storeLineage(this.#store.id);
    const recipients = this.#readers.all.map(({ recipient }) => recipient);
    const state = openSourceState(home, lineage, peerId, recipients, random);
    await this.#checkPassphrase(state, request.passphrase);
    const keys = await this.#wrapKeys(state);
    const held = await onDisk(this.#store.dir, readHeldSnapshots(this.#store, state.stateId, peerId));
    const check = new PackCheck(this.#store, state.stateId);
    const capture = await this.#planWithin(state, held, check, scope, exclude);
    try {
      this.#tellDamaged(held, check);
      const { plan } = capture;
      for (const path of plan.excluded) this.#note(`left out, the agent's own: ${path}`);
      const shown = this.#readers.all.map((reader) => reader.shown);
      const unchanged = plan.files - plan.newFiles;
      const fresh = `, of which ${plan.newFiles} files, ${formatBytes(plan.newBytes)}, are new or changed`;
      this.#note(
        `${plan.files} files, ${formatBytes(plan.bytes)}${unchanged > 0 ? fresh : ''}; will be readable by ${shown.join(', ')}`,
      );
      refuseEmpty(plan, plan.skipped, this.#emit);
      // Before anything is sealed: a state whose key is not kept could not be continued.
      writeSourceState(home, lineage, state);
      await onDisk(this.#store.dir, this.#begin(state));
      failpoint('folder.begun');
      const result = await capture.run(diskSink(this.#store, state.stateId), {
        onProgress: this.#meter.onProgress,
        signal: this.#signal,
      });
      this.#meter.finish();
      refuseEmpty(result.totals, result.skipped, this.#emit);
      failpoint('folder.sealed');
      const committed = await this.#commit(state, held, keys, result, scope.machineName);
      failpoint('folder.committed');
      writeSourceState(home, lineage, committed);
      failpoint('folder.snapshot-noted');
      const forgotten = await capture.committed();
      if (forgotten) this.#note(`the next capture reads everything anew: ${forgotten.message}`);
      await this.#dropUnused(state, held, result);
      return this.#done(committed, result, check, scope.skipped);
    } finally {
      await capture.close();
    }
  }

  /** A second passphrase for the same state would leave people guessing which one is good. */
  async #checkPassphrase(state: SourceState, passphrase: string | undefined): Promise<void> {
    if (passphrase === undefined) return;
    const file = await onDisk(this.#store.dir, this.#store.readKey(state.stateId, 'passphrase'));
    if (!file) return;
    try {
      await unwrapStateKeyByPassphrase(file, passphrase);
    } catch (cause) {
      if (!(cause instanceof ResettleError) || cause.code !== 'refused') throw cause;
      throw new ResettleError(
        'refused',
        `the store in ${this.#store.dir} was made with another passphrase (state ${state.stateId})`,
        { hint: 'give that one; for a new passphrase name a new folder', cause },
      );
    }
  }

  /**
   * The key files that are to be written, made before anything else: scrypt takes 256 MiB, which shall not come on top of
   * what the capture takes. A passphrase's file that is there was opened, and stays.
   */
  async #wrapKeys({ stateId, key }: SourceState): Promise<Map<KeyName, Uint8Array>> {
    const keys = new Map<KeyName, Uint8Array>();
    for (const { name, wrap } of this.#readers.all) {
      const isThere = name === 'passphrase' && (await onDisk(this.#store.dir, this.#store.readKey(stateId, name)));
      if (!isThere) keys.set(name, await wrap(key));
    }
    return keys;
  }

  /** A plan that fits on the disk. What an unfinished run left is given up where there is no room beside it. */
  async #planWithin(
    state: SourceState,
    held: HeldSnapshots,
    check: PackCheck,
    scope: Scope,
    exclude: readonly string[],
  ): Promise<Capture> {
    for (let usable = (_id: PackId): boolean => true; ; usable = (id) => held.packs.has(id)) {
      const known = new Set<PackId>();
      const capture = await this.#plan(state, scope, exclude, async (packs) => {
        const there: PackSize[] = [];
        for (const id of packs.filter(usable)) {
          const sizeBytes = await this.#sizeOf(state, held, id);
          if (sizeBytes !== undefined) there.push({ id, sizeBytes });
        }
        const whole = await check.wholeOf(there, this.#meter.onProgress, this.#signal);
        for (const { id } of there) if (whole.has(id)) known.add(id);
        return packs.filter((id) => !known.has(id));
      });
      let lack: ResettleError | undefined;
      try {
        lack = await onDisk(this.#store.dir, this.#makeRoom(state, held, known, capture.plan.upperBoundBytes));
        if (!lack) return capture;
      } finally {
        if (lack) await capture.close();
      }
      if ([...known].every((id) => held.packs.has(id))) throw lack;
    }
  }

  async #plan(
    state: SourceState,
    scope: Scope,
    exclude: readonly string[],
    missingPacks: (packs: readonly PackId[]) => Promise<readonly PackId[]>,
  ): Promise<Capture> {
    const { home } = this.#options;
    const capture = await planCapture(
      {
        paths: scope.paths.map((path) => Buffer.from(path)),
        tree: scope.tree,
        filter: scope.filter,
        exclude: exclude.map((path) => Buffer.from(path)),
        scratchDir: home.scratchDir(),
        cacheFile: home.cacheFile(state.stateId),
        missingPacks,
        stateId: state.stateId,
        stateKey: state.key,
      },
      { onProgress: this.#meter.onProgress, signal: this.#signal },
    );
    this.#meter.finish();
    return capture;
  }

  /** Of a pack that is there, as its descriptor says; of one that was cut that is more than there is. */
  async #sizeOf(state: SourceState, held: HeldSnapshots, id: PackId): Promise<number | undefined> {
    const size = await onDisk(this.#store.dir, this.#store.packSize(state.stateId, id));
    return size === undefined ? undefined : (held.packs.get(id) ?? size);
  }

  #tellDamaged(held: HeldSnapshots, { damaged }: PackCheck): void {
    if (damaged.size === 0) return;
    const needing = held.needing(damaged);
    const which =
      needing.length === 0 ? '' : `; snapshot${needing.length > 1 ? 's' : ''} ${needing.join(', ')} cannot do without`;
    const names = [...damaged].slice(0, DAMAGED_NAMED_MAX);
    const more = damaged.size > names.length ? ` and ${damaged.size - names.length} more` : '';
    this.#note(
      `damaged in ${this.#store.dir}: pack ${names.join(', ')}${more}${which}; what this capture needs of that is read and sealed anew. ` +
        'Look after that disk: "resettle store verify" names all that is damaged',
    );
  }

  /** Drops what nothing will refer to. Returns what a person is told where the rest does not fit then. */
  async #makeRoom(
    state: SourceState,
    held: HeldSnapshots,
    known: ReadonlySet<PackId>,
    neededBytes: number,
  ): Promise<ResettleError | undefined> {
    await this.#dropAbandoned(state);
    if (held.complete) await this.#store.dropPacksExcept(state.stateId, [...held.packs.keys(), ...known]);
    const free = await this.#store.freeBytes();
    if (free >= neededBytes) return undefined;
    return new ResettleError(
      'no-point',
      `${this.#store.dir} has ${formatBytes(free)} free of the ${formatBytes(neededBytes)} that this capture may need`,
      { hint: 'free some space there, capture fewer PATHs, or name a folder on a larger disk' },
    );
  }

  /** States that this machine began here for other readers and never committed: their keys are forgotten. */
  async #dropAbandoned(state: SourceState): Promise<void> {
    for (const { stateId, snapshots, info } of await this.#store.states()) {
      const source = (info as { source?: unknown } | null | undefined)?.source;
      if (snapshots.length > 0 || stateId === state.stateId || source !== this.#options.fleet.identity.peerId) continue;
      await this.#store.deleteState(stateId);
    }
  }

  async #begin(state: SourceState): Promise<void> {
    const { stateId } = state;
    await this.#store.createState(stateId);
    await this.#store.writeInfo(stateId, { version: 1, state: stateId, source: this.#options.fleet.identity.peerId });
  }

  /** Key files, then the descriptor. Returns the state as it goes on. */
  async #commit(
    state: SourceState,
    held: HeldSnapshots,
    keys: ReadonlyMap<KeyName, Uint8Array>,
    result: CaptureResult,
    machineName: string | undefined,
  ): Promise<SourceState> {
    const { clock, fleet } = this.#options;
    const { stateId, key } = state;
    const snapshot = Math.max(state.snapshot, held.highest) + 1;
    const descriptor = await describeSnapshot(result, {
      stateId,
      stateKey: key,
      association: undefined,
      snapshot,
      previous: held.highest > state.snapshot ? held.highestHash : state.descriptor,
      capturedAtNs: BigInt(clock.now()) * 1_000_000n,
      machineName: machineName ?? fleet.memberBody().name,
      platform: `${process.platform} ${process.arch}`,
      privateKey: fleet.identity.privateKey,
    });
    const write = async (): Promise<void> => {
      for (const [name, file] of keys) await this.#store.writeKey(stateId, name, file);
      failpoint('folder.keys-written');
      await this.#store.writeDescriptor(stateId, snapshot, descriptor);
    };
    await onDisk(this.#store.dir, write());
    const { descriptorHash } = await openDescriptor(descriptor);
    return { ...state, snapshot, descriptor: descriptorHash };
  }

  /** What an earlier, interrupted run had sealed and this one did not need. */
  async #dropUnused(state: SourceState, held: HeldSnapshots, result: CaptureResult): Promise<void> {
    if (!held.complete) return;
    const used = [...held.packs.keys(), ...result.packs.map(({ id }) => id)];
    await onDisk(this.#store.dir, this.#store.dropPacksExcept(state.stateId, used));
  }

  #done(state: SourceState, result: CaptureResult, check: PackCheck, notTaken: number): FolderCaptureDone {
    for (const item of result.skipped.items) this.#emit({ event: 'skipped', ...item });
    const { destination, all } = this.#readers;
    return {
      state: state.stateId,
      snapshot: state.snapshot,
      store: this.#store.dir,
      storeId: this.#store.id,
      machine: destination?.peerId ?? null,
      machineName: destination?.name ?? null,
      files: result.totals.files,
      bytes: result.totals.bytes,
      storedBytes: result.sealedBytes,
      newBytes: result.newBytes,
      checkedBytes: check.readBytes,
      damagedPacks: check.damaged.size,
      recipients: all.map(({ shown }) => shown),
      skipped: result.skipped.count + notTaken,
    };
  }

  #note(message: string): void {
    this.#emit({ event: 'note', message });
  }
}
