import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { asBefore } from '../../../state/areas/base/as-before.ts';
import { LocalSystem } from '../../../state/areas/base/local-system.ts';
import { AREA_NAMES, type AreaName } from '../../../state/areas/base/names.ts';
import { inhibitBlanking } from '../../../state/areas/display/inhibit.ts';
import {
  type AreasPlan,
  type AreasPlanItem,
  type AreasResult,
  type AreasRun,
  openAreas,
} from '../../../state/areas/transaction/index.ts';
import type { FolderPath } from '../../../state/format/index.ts';
import { showPath } from '../../../state/fs/show-path.ts';
import { pathOfNames, startsWith } from '../../../state/plan/roots.ts';
import { DOCUMENTS_NAME } from '../../../state/plan/source-tree.ts';
import { type UnfinishedRestore, unfinishedRestore } from '../../../state/restore/index.ts';
import type { Emit } from '../../events.ts';
import type { Applied, AppliedAreas, ApplyGround, RestoreWish } from './apply-types.ts';
import { type ChecklistSummary, checklistSummary } from './checklist.ts';
import { DOCUMENTS, type FilesOfMachine, filesOfMachine, isSomeAreas } from './choose-files.ts';
import type { FilesRun } from './files-run.ts';
import { forgetIfNothing, settleUnfinished } from './settle-unfinished.ts';

export interface MachineGround {
  readonly ground: ApplyGround;
  readonly files: FilesRun;
  readonly wish: RestoreWish;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

export interface MachineSnapshot {
  readonly restoreId: string;
  readonly roots: readonly FolderPath[];
  /** 64 hexadecimal digits. */
  readonly descriptorHash: string;
}

/**
 * Restores areas and files of a snapshot onto the root of a machine: what everything stands on, files, the rest. Where
 * something fails, areas are as they were before; files go on with the same command, or go back with `undo`.
 */
export async function restoreMachine(machine: MachineGround, snapshot: MachineSnapshot): Promise<Applied> {
  const { home } = machine.ground;
  const scratch = home.scratchFolder('documents-');
  try {
    const documents = join(scratch, 'documents');
    await machine.files.fetch(DOCUMENTS, documents, `${snapshot.restoreId}-d`);
    if (!machine.wish.dryRun) await settleUnfinished(machine.ground.home, machine.wish.into, machine.emit);
    const begun = begunBefore(machine, snapshot, machine.wish.into);
    const areas = await planned(machine, join(documents, DOCUMENTS_NAME), begun?.personal);
    try {
      return await new MachineRestore(machine, snapshot, areas, begun).run();
    } finally {
      await areas.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** What a plain user can have of a machine; the others need root, and are not even planned. */
const OF_ONESELF: ReadonlySet<AreaName> = new Set(['homes', 'display']);

/** An unfinished run of the same snapshot into that folder, which goes on. */
function begunBefore(
  { ground }: MachineGround,
  { descriptorHash }: MachineSnapshot,
  target: string,
): UnfinishedRestore | undefined {
  const begun = unfinishedRestore(target, descriptorHash);
  return begun && existsSync(ground.home.path('restores', begun.restoreId, 'restore.json')) ? begun : undefined;
}

function planned(
  { ground, wish, emit }: MachineGround,
  documents: string,
  made: readonly string[] | undefined,
): Promise<AreasRun> {
  const { into, identity = 'new', allowPrivileged, mapUsers } = wish;
  const wanted = wish.areas ?? AREA_NAMES;
  const areas = isRoot() ? wanted : wanted.filter((name) => OF_ONESELF.has(name));
  if (areas.length < wanted.length) {
    emit({ event: 'note', message: 'as a plain user: your home and your own settings; all else needs root' });
  }
  return openAreas({
    documents,
    ...(made && { made }),
    wish: {
      root: into,
      areas,
      asked: wish.areas ?? [],
      identity,
      allowPrivileged,
      mapUsers,
      nowMs: ground.clock.now(),
    },
  });
}

/** What a plain user's files are restored by. */
interface OwnHome {
  readonly only: readonly FolderPath[];
  readonly base: FolderPath;
  readonly target: string;
}

class MachineRestore {
  readonly #machine: MachineGround;
  readonly #snapshot: MachineSnapshot;
  readonly #areas: AreasRun;
  readonly #begun: UnfinishedRestore | undefined;

  constructor(
    machine: MachineGround,
    snapshot: MachineSnapshot,
    areas: AreasRun,
    begun: UnfinishedRestore | undefined,
  ) {
    this.#machine = machine;
    this.#snapshot = snapshot;
    this.#areas = areas;
    this.#begun = begun;
  }

  async run(): Promise<Applied> {
    const { wish, files, emit } = this.#machine;
    const { plan } = this.#areas;
    for (const item of plan.items) emit(itemEvent(item));
    const lacking = (wish.areas ?? []).filter(
      (name) => isSomeAreas(wish) && !plan.machine.areas.some((one) => one.name === name),
    );
    for (const name of lacking)
      emit({ event: 'skipped', path: `area ${name}`, reason: 'this snapshot has nothing of it' });
    for (const { what, why } of plan.problems) emit({ event: 'skipped', path: what, reason: why });
    for (const { area, what, why } of plan.machine.couldNot) {
      emit({ event: 'skipped', path: what, reason: `the capture could not take it: ${why}`, area });
    }
    const target = asBefore(new LocalSystem(wish.into), this.#begun?.personal ?? []);
    const chosen = filesOfMachine(this.#snapshot.roots, plan, wish, target);
    for (const item of chosen.withheld) emit({ event: 'skipped', ...item });
    const own: Partial<OwnHome> = isRoot() ? {} : this.#ownHome(chosen);
    const needRoot = isRoot() ? [] : this.#needRoot(chosen, own.only!);
    for (const path of needRoot) emit({ event: 'skipped', path, reason: 'only root can restore it' });
    const { only, places, owners } = { ...chosen, ...own };
    const which = { ...own, only, places, owners };
    const leftOut =
      lacking.length +
      needRoot.length +
      chosen.withheld.length +
      plan.problems.length +
      plan.machine.couldNot.length +
      needPerson(plan);
    if (wish.dryRun) {
      const applied = await files.run(this.#snapshot.restoreId, which);
      const areas = { items: countsOf(plan), applied: [], failed: [], checklist: null };
      return { ...applied, areas, skipped: applied.skipped + leftOut };
    }
    const begun = own.target ? begunBefore(this.#machine, this.#snapshot, own.target) : this.#begun;
    const id = begun?.restoreId ?? this.#snapshot.restoreId;
    const undoDir = this.#machine.ground.home.path('restores', id);
    const { applied, result } = await this.#awake(() => this.#carryOut(id, undoDir, which));
    this.#tell(result);
    this.#leaveScript(undoDir);
    const areas = {
      items: countsOf(plan),
      applied: result.applied,
      failed: result.failed.map(({ area }) => area),
      checklist: await this.#checklist(id),
    };
    return { ...applied, areas, skipped: applied.skipped + leftOut + result.failed.length };
  }

  /** A plain user writes beneath his own home only: it is the target, and of the files it is all that comes. */
  #ownHome({ only, places }: FilesOfMachine): OwnHome {
    const uid = process.getuid?.();
    const place = places.find(({ personal, leftOut }) => leftOut === undefined && personal?.uid === uid);
    const home = place && only.find((path) => samePath(path, place.path));
    if (!place || !home) {
      throw new ResettleError('refused', 'this snapshot has no home of yours, and only root can restore the others', {
        hint: 'restore into a folder of yours with --into DIR, or as root; --map-user OLD=NEW says whose home is yours',
      });
    }
    const name = place.name ?? home.at(-1)!;
    const target = join(this.#machine.wish.into, ...home.slice(0, -1).map(textOf), textOf(name));
    return { only: [home], base: home, target };
  }

  /** What a plain user was not given, though it was wanted. */
  #needRoot({ only }: FilesOfMachine, given: readonly FolderPath[]): string[] {
    const wanted = this.#machine.wish.areas ?? AREA_NAMES;
    const { areas } = this.#areas.plan.machine;
    return [
      ...wanted
        .filter((name) => !OF_ONESELF.has(name) && areas.some((one) => one.name === name))
        .map((name) => `area ${name}`),
      ...only.filter((path) => !given.includes(path)).map((path) => showPath(pathOfNames(path))),
    ];
  }

  async #carryOut(id: string, undoDir: string, chosen: Parameters<FilesRun['run']>[1]) {
    try {
      await this.#areas.begin(undoDir);
      await this.#areas.applyBefore();
      const applied = await this.#files(id, chosen);
      return { applied, result: await this.#areas.applyAfter() };
    } catch (error) {
      forgetIfNothing(undoDir);
      throw error;
    }
  }

  /** A screen that goes blank, or a machine that falls asleep, would stop what is under way. */
  async #awake<T>(work: () => Promise<T>): Promise<T> {
    const inhibitor = inhibitBlanking(new LocalSystem(this.#machine.wish.into), 'a restore is under way');
    try {
      return await work();
    } finally {
      inhibitor.stop();
    }
  }

  /** Nothing of it is run here. */
  #leaveScript(undoDir: string): void {
    const { installScript } = this.#areas.plan.extras;
    if (installScript === undefined) return;
    const path = join(undoDir, 'install-software.sh');
    writeFileSync(path, installScript, { mode: 0o700 });
    this.#machine.emit({ event: 'note', message: `${path} would install what is missing: read it, then run it` });
  }

  async #files(id: string, chosen: Parameters<FilesRun['run']>[1]): Promise<Applied> {
    try {
      return await this.#machine.files.run(id, chosen);
    } catch (error) {
      const kept = await this.#areas.rollBack();
      for (const item of kept.items) this.#machine.emit({ event: 'skipped', ...item });
      throw error;
    }
  }

  async #checklist(id: string): Promise<ChecklistSummary | null> {
    const { ground, emit, signal } = this.#machine;
    try {
      const { counts, worst, lines } = await checklistSummary(ground, id, () => {}, signal);
      for (const message of lines) emit({ event: 'note', message });
      return { counts, worst, lines };
    } catch (error) {
      if (signal.aborted || !(error instanceof ResettleError)) throw error;
      emit({ event: 'note', message: `the checklist could not be made: ${messageOf(error)}` });
      return null;
    }
  }

  #tell({ failed, wasWrong, notWoken, isLinkLost }: AreasResult): void {
    const { emit } = this.#machine;
    for (const { area, problems } of failed) {
      for (const { what, why } of problems) {
        emit({ event: 'skipped', path: what, reason: `${why}; ${area} was put back as it was`, area });
      }
    }
    for (const { area, problems } of wasWrong) {
      for (const { what, why } of problems) {
        emit({ event: 'note', message: `${area}: ${what} was wrong before already: ${why}` });
      }
    }
    for (const { area, problems } of notWoken) {
      for (const { what, why } of problems) {
        emit({ event: 'note', message: `${area}: ${what} takes notice after a restart: ${why}` });
      }
    }
    if (isLinkLost) {
      emit({ event: 'note', message: 'this machine could not be reached any more: network and name were put back' });
    }
  }
}

const textOf = (name: Uint8Array): string => Buffer.from(name).toString('utf8');
const samePath = (a: FolderPath, b: FolderPath): boolean => a.length === b.length && startsWith(a, b);

const itemEvent = ({ area, id, title, action, detail, effect, paths, difference }: AreasPlanItem) =>
  ({ event: 'area-item', area, item: id, title, action, detail, effect: effect ?? null, paths, difference }) as const;

/** Items that are left out, or wait for a person. */
const needPerson = ({ items }: AreasPlan): number =>
  items.filter(({ action }) => action === 'withhold' || action === 'ask').length;

function countsOf({ items }: AreasPlan): AppliedAreas['items'] {
  const counts = { add: 0, replace: 0, merge: 0, remove: 0, same: 0, keep: 0, withhold: 0, ask: 0 };
  for (const { action } of items) counts[action] += 1;
  return counts;
}
