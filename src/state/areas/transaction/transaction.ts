import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { messageOf, ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import type { Report } from '../../../common/ports.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { asBefore } from '../base/as-before.ts';
import { AREA_NAMES, type AreaName } from '../base/names.ts';
import type { System } from '../base/system.ts';
import { withAccountsLocked } from './account-lock.ts';
import { Beneath } from './beneath.ts';
import { Journal } from './journal.ts';
import { Judge } from './judge.ts';
import { type MadePlan, makePlan } from './make-plan.ts';
import type { AreasParts, LinkGuard } from './parts.ts';
import { PhaseRun, timesOf } from './phase.ts';
import { keepBefore } from './pre-image.ts';
import { putAreasBack, withDependents } from './put-all-back.ts';
import { rollBack } from './roll-back.ts';
import { PHASES, type Phase } from './steps.ts';
import type { AreaFailure, AreasOutcome, AreasPlan, AreasResult, AreasWish } from './types.ts';
import { changedPaths, Waker } from './wake.ts';

/** What is taken back together where a machine was cut off. */
const OF_THE_LINK: readonly AreaName[] = ['network', 'hostname'];

/** A restore of areas, from plan to commit. Synchronous but for the question whether the machine can be reached still. */
export class AreasTransaction {
  readonly #parts: AreasParts;
  readonly #wish: AreasWish;
  readonly #documents: string;
  readonly #system: System;
  readonly #beneath: Beneath;
  readonly #made: MadePlan;
  readonly #failed: AreaFailure[] = [];
  #journal: Journal | undefined;
  #judge: Judge | undefined;
  /** While it has not been asked. */
  #guard: LinkGuard | undefined;

  /** Plans. Throws `damaged`, `failed`. */
  constructor(parts: AreasParts, documents: string, wish: AreasWish, made: readonly string[] = []) {
    this.#parts = parts;
    this.#documents = documents;
    this.#wish = wish;
    this.#system = parts.systemAt(wish.root);
    this.#beneath = new Beneath(wish.root);
    this.#made = makePlan(parts, documents, wish, { system: asBefore(this.#system, made), beneath: this.#beneath });
  }

  get plan(): AreasPlan {
    return this.#made.plan;
  }

  /** Stages: see `AreasRun.begin`. */
  begin(undoDir: string): void {
    const { steps } = this.#made;
    const { items, owners } = this.plan;
    const outcome: AreasOutcome = {
      format: 1,
      wish: this.#wish,
      owners,
      items: items.map(({ area, id, title, action, detail, effect }) => {
        return { area, id, title, action, detail, ...(effect && { effect }) };
      }),
      status: 'staged',
      times: { staged: this.#now() },
    };
    const token = randomBytes(6).toString('hex');
    const plan = { format: 1, token, root: this.#wish.root, steps: steps.steps, folders: steps.folders } as const;
    try {
      this.#journal = Journal.begin(undoDir, this.#documents, outcome, plan, (journal) => this.#stage(journal));
    } catch (error) {
      if (error instanceof ResettleError || codeOf(error) === undefined) throw error;
      const message = `cannot write down in ${undoDir} what is to be changed: ${reasonOf(error)}`;
      throw new ResettleError('failed', message, { hint: 'nothing was changed', cause: error });
    }
    failpoint('areas.staged');
    this.#point('staged');
    this.#judge = new Judge(this.#system, this.#chosenAreas(), new Set(this.plan.paths));
  }

  /** Throws `failed`: then everything was put back. */
  applyBefore(): void {
    this.#orRollBack(() => {
      this.#opened.setOutcome({ status: 'applying' });
      this.#point('applying');
      this.#apply('before');
      this.#judgeAll(['before']);
    });
  }

  async applyAfter(): Promise<AreasResult> {
    this.#orRollBack(() => {
      this.#apply('after');
      this.#judgeAll(PHASES);
    });
    try {
      return this.#commit(await this.#wake());
    } catch (error) {
      return this.#rollBackFor(error);
    } finally {
      // It was not asked, and everything was put back.
      this.#guard?.disarm();
    }
  }

  /** Also of what an earlier call could not put back. Nothing to do once it is applied: that is for `undoAreas`. */
  rollBack(): Report {
    if (!this.#journal || !this.isUnfinished) return { items: [], count: 0 };
    return rollBack(this.#parts, this.#journal, this.#beneath).kept;
  }

  get isUnfinished(): boolean {
    const status = this.#journal?.outcome.status;
    return status === 'staged' || status === 'applying';
  }

  close(): void {
    this.#journal?.close();
    this.#beneath.close();
  }

  #stage(journal: Journal): void {
    const { steps } = this.#made;
    for (const step of steps.steps) {
      step.layers.forEach((layer, level) => {
        const content = steps.contentOf(step, layer);
        if (content) writeFileSync(journal.stagedPath(step, level), content, { mode: 0o600, flag: 'wx' });
      });
      if (step.before) keepBefore(this.#beneath, journal, step, step.before);
      this.#point(`stage: ${step.number}`);
    }
    for (const phase of PHASES) new PhaseRun(this.#beneath, journal, phase).look();
  }

  #apply(phase: Phase): void {
    const journal = this.#opened;
    const paths = changedPaths(journal, [phase]);
    this.#waker.stopUnits(new Set(paths.keys()));
    const all = [...paths.values()].flatMap((some) => [...some]);
    withAccountsLocked(this.#system, all, () => {
      new PhaseRun(this.#beneath, journal, phase, (point) => this.#point(point)).run();
    });
  }

  /** Takes areas back that the machine is not right with, until it is right with those that are left. */
  #judgeAll(phases: readonly Phase[]): void {
    for (;;) {
      const standing = new Set(changedPaths(this.#opened, phases).keys());
      const failures = this.#judge!.failures(standing);
      this.#point('judged');
      if (failures.length === 0) return;
      this.#takeBack(failures, 'it was taken back with');
    }
  }

  #takeBack(failures: readonly AreaFailure[], said: string): readonly AreaName[] {
    const journal = this.#opened;
    const reasons = new Map(failures.map(({ area, problems }) => [area, problems]));
    const areas = withDependents(journal, reasons.keys()).filter((name) => !journal.backedOut.has(name));
    const paths = [...changedPaths(journal, PHASES)].flatMap(([area, some]) => (areas.includes(area) ? [...some] : []));
    const back = withAccountsLocked(this.#system, paths, () => putAreasBack(this.#beneath, journal, areas));
    for (const area of areas) {
      const with_ = { what: 'everything of it', why: `${said} ${[...reasons.keys()].join(', ')}` };
      this.#failed.push({ area, problems: reasons.get(area) ?? [with_] });
    }
    for (const { path, reason } of back.kept.report().items) {
      this.#failed.push({ area: areas[0]!, problems: [{ what: path, why: reason }] });
    }
    this.#point('taken back');
    return areas;
  }

  async #wake(): Promise<Pick<AreasResult, 'notWoken' | 'isLinkLost'>> {
    let linkLost: AreaFailure[] | undefined;
    const leaveLink = () => {
      linkLost ??= this.#leaveLink('this machine could not be reached any more');
      return linkLost;
    };
    this.#guard = await this.#armGuard(leaveLink);
    const notWoken = [...this.#waker.startUnits(), ...this.#waker.activate(changedPaths(this.#opened, PHASES))];
    this.#point('woken');
    const guard = this.#guard;
    // One that was asked is not disarmed.
    this.#guard = undefined;
    const isLinkLost = (await guard?.confirm()) === 'lost';
    return { notWoken: isLinkLost ? [...notWoken, ...leaveLink()] : notWoken, isLinkLost };
  }

  #commit(woken: Pick<AreasResult, 'notWoken' | 'isLinkLost'>): AreasResult {
    const journal = this.#opened;
    const left = PHASES.flatMap((phase) => journal.last('intent', phase)?.times ?? []).map(([path]) => path);
    journal.note({ did: 'left', times: timesOf(this.#beneath, [...new Set(left)]) });
    const applied = changedPaths(journal, PHASES);
    const result: AreasResult = {
      applied: AREA_NAMES.filter((name) => applied.has(name)),
      failed: this.#failed,
      wasWrong: this.#judge!.wasWrong,
      ...woken,
    };
    failpoint('areas.committing');
    this.#point('commit');
    journal.setOutcome({ status: 'applied', times: { ...journal.outcome.times, applied: this.#now() }, result });
    failpoint('areas.applied');
    this.#point('committed');
    journal.forget('staged');
    return result;
  }

  /** Where nobody can watch, the network stays as it was. */
  async #armGuard(leaveLink: () => unknown): Promise<LinkGuard | undefined> {
    const changed = changedPaths(this.#opened, PHASES);
    const { armGuard } = this.#parts;
    if (!armGuard || !this.#system.isLive || !OF_THE_LINK.some((name) => changed.has(name))) return undefined;
    try {
      return await armGuard({
        system: this.#system,
        undoDir: this.#opened.undoDir,
        rollBack: async () => {
          leaveLink();
        },
      });
    } catch (error) {
      this.#takeLinkBack(`nobody could watch whether this machine stays reachable: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** The machine cannot be reached any more: its network is put back, and taken notice of once more. */
  #leaveLink(why: string): AreaFailure[] {
    const paths = changedPaths(this.#opened, PHASES);
    const areas = this.#takeLinkBack(why);
    return this.#waker.activate(new Map([...paths].filter(([area]) => areas.includes(area))));
  }

  #takeLinkBack(why: string): readonly AreaName[] {
    const changed = changedPaths(this.#opened, PHASES);
    const failures = OF_THE_LINK.filter((name) => changed.has(name)).map((area): AreaFailure => {
      return { area, problems: [{ what: 'the network', why }] };
    });
    return this.#takeBack(failures, 'it was taken back with');
  }

  #orRollBack(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#rollBackFor(error);
    }
  }

  /** Puts everything back, then throws what made it necessary. */
  #rollBackFor(error: unknown): never {
    const left = this.#leftBy(() => rollBack(this.#parts, this.#opened, this.#beneath).kept);
    if (left === undefined) throw error;
    throw new ResettleError('failed', `${messageOf(error)}; and then ${left}`, { cause: error });
  }

  /** What a way back could not do, as text. */
  #leftBy(back: () => Report): string | undefined {
    try {
      const { items, count } = back();
      if (count === 0) return undefined;
      return items.map(({ path, reason }) => `${path} ${reason}`).join('; ');
    } catch (error) {
      return messageOf(error);
    }
  }

  get #opened(): Journal {
    if (!this.#journal) throw new Error('a restore of areas is begun first');
    return this.#journal;
  }

  get #waker(): Waker {
    return new Waker(this.#system, this.#parts.areas, this.#opened);
  }

  #chosenAreas(): AreasParts['areas'] {
    const names = new Set(changedPaths(this.#opened, PHASES).keys());
    return this.#parts.areas.filter(({ name }) => names.has(name));
  }

  #now(): number {
    return this.#parts.now?.() ?? Date.now();
  }

  #point(point: string): void {
    this.#parts.onPoint?.(point);
  }
}
