import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import type { Progress, Report } from '../../common/ports.ts';
import { EntrySet } from '../format/entry-set.ts';
import { close, openFolderAt, pathOfFolder, syncFolder, useFileCalls } from '../fs/calls.ts';
import { codeOf, reasonOf } from '../fs/errno.ts';
import { collectAfterPhase } from '../threads/collect.ts';
import { ProgressTeller } from '../threads/progress.ts';
import { throwIfStopped } from '../threads/stop.ts';
import { Amendments } from './amendments.ts';
import { MetadataSetter } from './apply-metadata.ts';
import { BaseGuard } from './base-guard.ts';
import { conflictLabel } from './conflict-name.ts';
import { ConflictReport } from './conflict-report.ts';
import type { Contents, ContentWay } from './content-way.ts';
import { Decider, type DeciderParts } from './decide.ts';
import { DecisionWriter, hasPlan } from './decision-log.ts';
import { type Decisions, FreshDecisions, PlannedDecisions } from './decisions.ts';
import { DryRun, KEEPS_ALL, leftOutOf, NO_DECISIONS, noteOf, scratchFolder } from './dry-run.ts';
import { ExtrasSpool } from './extras-spool.ts';
import { finishFolders, lastOfTarget } from './finish-folders.ts';
import { FolderWalk } from './folder-walk.ts';
import { formerOf } from './former.ts';
import { Giving } from './given.ts';
import { InPlace } from './in-place.ts';
import { LateList, LockList } from './late-list.ts';
import { LeftBehind } from './left-behind.ts';
import { LinkInodes } from './link-inodes.ts';
import { Losses } from './losses.ts';
import { makeFolders } from './make-folders.ts';
import type { KnownContent } from './manifest-checker.ts';
import { walkManifest } from './manifest-walk.ts';
import type { RestoreWorkerData, TellsOfRestore, WorkerResult } from './messages.ts';
import { OwnerMap, readOwnerIds } from './owner-map.ts';
import { OwnerPolicy } from './owner-policy.ts';
import { PartSpool } from './part-spool.ts';
import { placeLate } from './place-late.ts';
import { placeLocks } from './place-locks.ts';
import { hiddenNameOf, Places } from './places.ts';
import { PreImages } from './pre-images.ts';
import { onlyRoot, RestorePlan } from './restore-plan.ts';
import { Session } from './session.ts';
import { Skel } from './skel.ts';
import { Tally } from './tally.ts';
import { journalNameOf } from './target.ts';
import { Tree } from './tree.ts';

interface DecideParts
  extends Pick<DeciderParts, 'base' | 'former' | 'keeps' | 'sink' | 'onEntry' | 'onLeftOut' | 'onCandidate'> {
  readonly parts: PartSpool;
  readonly spool: string;
  readonly restoreId: string;
  readonly known?: KnownContent | undefined;
}

/** Answers: they say that nothing was begun. */
const WITHDRAWN: ReadonlySet<string> = new Set(['usage', 'not-found', 'refused']);

/** Carries a restore out, in a worker thread. */
export class RestoreRun {
  readonly #data: RestoreWorkerData;
  readonly #way: ContentWay;
  readonly #tell: (message: TellsOfRestore) => void;
  readonly #teller: ProgressTeller;
  readonly #losses = new Losses();
  readonly #conflicts = new ConflictReport();
  readonly #tally = new Tally();
  readonly #owners = new OwnerPolicy();
  readonly #setter: MetadataSetter;
  readonly #ownerMap: OwnerMap;
  readonly #giving: Giving;
  /** Once true, an error leaves something that a later run goes on with. */
  #hasChanged = false;

  constructor(data: RestoreWorkerData, way: ContentWay, tell: (message: TellsOfRestore) => void) {
    this.#data = data;
    this.#way = way;
    this.#tell = tell;
    this.#setter = new MetadataSetter(this.#owners, this.#losses);
    this.#teller = new ProgressTeller((progress) => tell({ type: 'progress', progress }));
    if (data.fileCalls) useFileCalls(data.fileCalls);
    this.#ownerMap = new OwnerMap(readOwnerIds(data.root ?? '/'), data.mapUsers ?? [], data.owners);
    this.#giving = new Giving(this.#ownerMap, this.#owners.asRoot, data.allowPrivileged === true, data.places);
  }

  /** From the beginning to the message `done`. */
  async run(): Promise<void> {
    if (this.#data.dryRun) {
      await this.#dryRun();
      return;
    }
    const session = new Session(this.#data);
    try {
      await this.#restore(session);
    } catch (error) {
      const isAnswer = error instanceof ResettleError && WITHDRAWN.has(error.code);
      if (isAnswer && !this.#hasChanged && !session.target.resumed) session.withdraw();
      throw error;
    } finally {
      session.target.close();
    }
  }

  get #stripped() {
    return this.#data.strip ? onlyRoot(this.#data.sealed.roots) : undefined;
  }

  get #label(): string {
    const { machineName, capturedAtNs } = this.#data.sealed;
    return conflictLabel(machineName, capturedAtNs);
  }

  readonly #onManifest = (): void => {
    const { files } = this.#data.sealed.totals;
    this.#teller.count(() => ({ phase: 'manifest', bytes: 0, totalBytes: 0, files: 0, totalFiles: files }));
  };

  #newWalk(): FolderWalk {
    return new FolderWalk(this.#data.base ?? this.#stripped, this.#data.only, this.#data.places);
  }

  #newGuard(restoreId: string): BaseGuard {
    const names = [journalNameOf(this.#data.descriptorHash), hiddenNameOf(restoreId)];
    return new BaseGuard(names, this.#stripped);
  }

  #decide({ parts, spool, restoreId, known, ...rest }: DecideParts): void {
    const { totals } = this.#data.sealed;
    const inodes = new LinkInodes(join(spool, rest.onCandidate ? 'looked' : 'there'));
    const walk = this.#newWalk();
    const decider = new Decider({
      ...rest,
      walk,
      giving: this.#giving,
      guard: this.#newGuard(restoreId),
      setter: this.#setter,
      policy: this.#data.onConflict ?? 'keep-both',
      label: this.#label,
      skel: new Skel(this.#data.root ?? '/'),
      inodes,
    });
    try {
      walkManifest(parts, totals, decider, this.#ownerMap, known ?? this.#way.planned);
    } finally {
      decider.close();
      inodes.close();
    }
    if (!this.#data.mayLack) walk.end();
  }

  /** What is known of the content of files that may be there already. */
  #known(
    parts: PartSpool,
    where: Pick<DecideParts, 'base' | 'keeps' | 'spool' | 'restoreId'>,
  ): Promise<(KnownContent & { close(): void }) | undefined> {
    return this.#way.known(() => {
      const entries = this.#data.sealed.parts.reduce((sum, part) => sum + part.entries, 0);
      const found = new EntrySet(entries);
      const onCandidate = (entry: number): void => found.add(entry);
      this.#decide({ ...where, parts, former: undefined, sink: NO_DECISIONS, onCandidate });
      return found;
    }, where.spool);
  }

  /** Where every decision comes from: an earlier run's plan, or the look of the target now. */
  async #decisionsOf(
    session: Session,
    places: Places,
    parts: PartSpool,
  ): Promise<{ decisions: Decisions; seal(): void }> {
    const { target, planFile, restoreId } = session;
    if (target.resumed && hasPlan(planFile)) return { decisions: new PlannedDecisions(planFile), seal() {} };
    const writer = new DecisionWriter(planFile);
    const found = formerOf(target.base);
    const former = { ...found, mtimeNs: session.formerTimeNs ?? found.mtimeNs };
    if (target.wasEmpty && !this.#data.only) {
      return { decisions: new FreshDecisions(writer, former), seal: () => writer.seal() };
    }
    const { keeps } = places.at(0);
    const where = { spool: target.spool, base: target.base, keeps, restoreId };
    const known = await this.#known(parts, where);
    this.#decide({ ...where, parts, former, sink: writer, known });
    known?.close();
    writer.seal();
    return { decisions: new PlannedDecisions(planFile), seal() {} };
  }

  async #restore(session: Session): Promise<void> {
    const { target, restoreId } = session;
    const { spool } = target;
    const tree = new Tree(target);
    const names = { journal: target.journalName, hidden: hiddenNameOf(restoreId) };
    const places = new Places(names, session.undoDir, this.#owners);
    const amendments = new Amendments(session.planFile);
    const inodes = new LinkInodes(join(spool, 'inodes'));
    const extras = new ExtrasSpool(join(spool, 'extras'));
    let contents: Contents | undefined;
    try {
      places.addBase(target.base, target.journal);
      const parts = new PartSpool(join(spool, 'parts'), this.#data.sealed.parts);
      await this.#way.manifest(parts, this.#onManifest);
      const { decisions, seal } = await this.#decisionsOf(session, places, parts);
      const preImages = new PreImages(places, tree);
      const inPlace = new InPlace(tree, preImages, amendments, this.#conflicts, this.#label);
      const left = new LeftBehind(tree, places, inPlace, this.#setter, inodes);
      const late = new LateList(join(spool, 'late'));
      const locks = new LockList(join(spool, 'locks'));
      const shared = {
        ...{ tree, places, inPlace, extras, inodes, left, late, locks },
        ...{
          setter: this.#setter,
          losses: this.#losses,
          tally: this.#tally,
          giving: this.#giving,
          owners: this.#owners,
        },
      };
      contents = this.#way.contents({
        ...shared,
        ...{ spool, journal: pathOfFolder(target.journal), planFile: session.planFile },
      });
      this.#plan(parts, decisions, {
        ...shared,
        ...{ walk: this.#newWalk(), guard: this.#newGuard(restoreId), decisions, amendments },
        ...{ files: contents, conflicts: this.#conflicts },
      });
      seal();
      contents.flush();
      tree.close();
      collectAfterPhase();

      this.#hasChanged = true;
      makeFolders(shared);
      const progress = this.#progressOf(contents);
      await contents.place(() => {
        throwIfStopped();
        this.#teller.count(() => progress('restore'));
      });
      this.#teller.now(progress('restore'));
      placeLate(late, shared, () => this.#teller.count(() => progress('restore')));
      placeLocks(locks, shared);
      places.clear();
      failpoint('restore.places-cleared');
      finishFolders(shared, () => this.#teller.count(() => progress('folders')));
      this.#noteWhatIsNotKept(places, tree);
      places.sync();
      failpoint('restore.synced');
      const shownPreImages = places.shownPreImages;
      const finishTarget = lastOfTarget(shared);
      // Not everywhere can a file go that is open.
      contents.close();
      amendments.close();
      inodes.close();
      extras.close();
      // First: where its disk is full, the journal has to be there for the next run.
      session.finish(shownPreImages);
      failpoint('restore.done');
      target.removeJournal();
      target.keepTime(session.formerTimeNs);
      finishTarget();
      syncFolder(target.base);
      failpoint('restore.target-finished');
      this.#teller.now(progress('folders'));
      this.#tell({ type: 'done', result: this.#resultOf(restoreId, target.resumed) });
    } finally {
      contents?.close();
      amendments.close();
      inodes.close();
      extras.close();
      tree.close();
      places.close();
    }
  }

  #plan(parts: PartSpool, decisions: Decisions, planned: ConstructorParameters<typeof RestorePlan>[0]): void {
    try {
      walkManifest(parts, this.#data.sealed.totals, new RestorePlan(planned), this.#ownerMap, this.#way.planned);
    } finally {
      decisions.close();
      parts.close();
    }
  }

  #progressOf(contents: Contents): (phase: string) => Progress {
    const { totals } = this.#data.sealed;
    return (phase) => ({
      phase,
      bytes: contents.keptBytes + contents.placed.bytes,
      totalBytes: totals.bytes,
      files: contents.keptFiles + contents.placed.files,
      totalFiles: totals.files,
    });
  }

  #resultOf(restoreId: string, resumed: boolean): WorkerResult {
    return {
      restoreId,
      resumed,
      ...this.#tally.counts,
      conflicts: this.#conflicts.counts,
      conflictItems: this.#conflicts.report(),
      withheld: both(this.#losses.report(), this.#owners.report()),
    };
  }

  /** What every item of a file system lacks is listed once. */
  #noteWhatIsNotKept(places: Places, tree: Tree): void {
    for (const { keeps, host } of places.all) {
      const shown = () => tree.showFolder(host);
      if (!keeps.modes) this.#losses.add(shown, 'this file system keeps no modes');
      if (keeps.times === 'not') this.#losses.add(shown, 'this file system keeps no times');
      if (keeps.times === 'roughly') this.#losses.add(shown, 'this file system does not keep times to the nanosecond');
    }
  }

  async #dryRun(): Promise<void> {
    const { sealed, target, scratchDir, restoreId } = this.#data;
    const scratch = scratchFolder(scratchDir);
    let base: number | undefined;
    try {
      base = openIfFolder(target);
      const parts = new PartSpool(join(scratch.path, 'parts'), sealed.parts);
      try {
        await this.#way.manifest(parts, this.#onManifest);
        const where = { spool: scratch.path, base, keeps: KEEPS_ALL, restoreId };
        const known = await this.#known(parts, where);
        const sink = new DryRun((items) => this.#tell({ type: 'items', items }), this.#tally, this.#conflicts);
        const onEntry = noteOf(this.#giving, this.#owners, this.#losses);
        const onLeftOut = leftOutOf(this.#losses);
        this.#decide({ ...where, parts, former: undefined, sink, onEntry, onLeftOut, known });
        known?.close();
        sink.flush();
      } finally {
        parts.close();
      }
      this.#tell({ type: 'done', result: this.#resultOf(restoreId, false) });
    } finally {
      if (base !== undefined) close(base);
      scratch.remove();
    }
  }
}

const both = (a: Report, b: Report): Report => ({ items: [...a.items, ...b.items], count: a.count + b.count });

function openIfFolder(path: string): number | undefined {
  try {
    return openFolderAt(Buffer.from(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new ResettleError('failed', `cannot restore into ${path}: ${reasonOf(error)}`, {
      hint: 'give a folder that you can write to',
      cause: error,
    });
  }
}
