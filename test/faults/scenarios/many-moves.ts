/**
 * Many moves at once through two points: all captures, then all restores, while one point is killed and brought back, a
 * member is revoked, and a destination dies in its restore. Every tree comes back the same, and what anybody said meanwhile
 * was true.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compareTrees } from '../../support/compare-trees.ts';
import { type Move, makeMoves, type Sizes } from '../moves/moves.ts';
import { MovesOffice, type Row, saidBy } from '../moves/office.ts';
import { bytesNow, namesIn } from '../moves/truth.ts';
import { Watcher } from '../moves/watcher.ts';
import type { Random, Run, Scenario, Tally } from '../scenario.ts';

const OPERATOR = 'boss';
const POINTS = ['nas-1', 'nas-2'] as const;
const POLICIES = ['keep-both', 'skip', 'replace', 'newer'] as const;

interface Scale {
  readonly moves: number;
  readonly sizes: Sizes;
  /** Members without a part in any move; one that keeps a share of a key is revoked. */
  readonly bystanders: number;
  /** How long the point stays away, at most. */
  readonly awayMaxMs: number;
  /** How often all trees are looked at, until so much is there. */
  readonly lookMs: number;
  /** Beyond it something hangs. */
  readonly waitMaxMs: number;
}

const MANY: Scale = {
  moves: 24,
  sizes: { bulkBytes: 32e6, smallFiles: 500, largeBytes: 300e6 },
  bystanders: 3,
  awayMaxMs: 60_000,
  lookMs: 500,
  waitMaxMs: 7_200_000,
};

const FEW: Scale = {
  moves: 3,
  sizes: { bulkBytes: 6e6, smallFiles: 60, largeBytes: 16e6 },
  bystanders: 1,
  awayMaxMs: 1_500,
  lookMs: 20,
  waitMaxMs: 100_000,
};

/** When the point is struck: at which part of everything, and for how long. */
interface Strike {
  readonly fraction: number;
  readonly awayMs: number;
}

/** All that chance decides, drawn before anything happens: what comes later depends on who is faster. */
interface Fate {
  readonly pointClients: number;
  readonly inCapture: Strike;
  readonly inRestore: Strike;
  readonly revokedAfterMs: number;
  readonly revoked: number;
  /** Whose destination dies in its restore, and when. */
  readonly mortal: Move;
  readonly diesAt: number;
  readonly policies: readonly string[];
}

function fateOf(random: Random, moves: readonly Move[], { awayMaxMs }: Scale): Fate {
  const strike = (): Strike => ({ fraction: (5 + random.integer(75)) / 100, awayMs: random.integer(awayMaxMs) });
  return {
    pointClients: random.pick([8, 32]),
    inCapture: strike(),
    inRestore: strike(),
    revokedAfterMs: random.integer(awayMaxMs / 4),
    revoked: random.integer(1000),
    mortal: random.pick(moves.filter(({ inPlace }) => !inPlace)),
    diesAt: random.integer(80) / 100,
    policies: moves.map(() => random.pick(POLICIES)),
  };
}

class ManyMoves {
  readonly #run: Run;
  readonly #scale: Scale;
  readonly #fate: Fate;
  readonly #office: MovesOffice;
  readonly #moves: readonly Move[];
  readonly #watcher: Watcher;
  readonly #stores: readonly string[];
  readonly #bystanders: readonly string[];
  /** Associations, by the name of their source. */
  readonly #ids = new Map<string, unknown>();

  constructor(run: Run, scale: Scale) {
    this.#run = run;
    this.#scale = scale;
    this.#office = new MovesOffice(run.dir);
    this.#moves = makeMoves(run.random, run.dir, scale.moves, scale.sizes);
    this.#bystanders = Array.from({ length: scale.bystanders }, (_, index) => `desk-${index}`);
    this.#stores = POINTS.map((name) => this.#office.storeOf(name));
    this.#fate = fateOf(run.random, this.#moves, scale);
    const { random } = run;
    const parts = { office: this.#office, moves: this.#moves, stores: this.#stores, operator: OPERATOR, random };
    this.#watcher = new Watcher(parts);
  }

  async do(): Promise<Tally> {
    try {
      await this.#open();
      this.#watcher.start();
      await this.#capture();
      await this.#wipe();
      await this.#restore();
      await this.#watcher.stop();
      await this.#atRest();
      return this.#tally();
    } finally {
      await this.#watcher.stop().catch(() => {});
      await this.#office.close();
    }
  }

  /** Everybody runs and is a member; nothing is associated yet. */
  async #open(): Promise<void> {
    const office = this.#office;
    const clients = ['--max-clients', String(this.#fate.pointClients)];
    const isPoint = (name: string): boolean => (POINTS as readonly string[]).includes(name);
    const optionsOf = (name: string): string[] =>
      isPoint(name) ? ['--point', office.storeOf(name), '--keep-free', '0MB', ...clients] : [];
    const parties = new Set(this.#moves.flatMap(({ source, destination }) => [source, destination]));
    const others = [...POINTS, ...this.#bystanders, ...parties];
    await office.startAll([OPERATOR, ...others], optionsOf);
    this.#note(`${others.length + 1} agents run; points serve ${this.#fate.pointClients} at once`);
    await office.done(OPERATOR, ['fleet', 'init', '--name', 'faults']);
    const { token } = await office.done(OPERATOR, ['fleet', 'invite', '--uses', String(others.length)]);
    await office.joinAll(others, String(token));
    await this.#until('the operator knows everybody', async () => {
      const { members } = await office.ask(OPERATOR, 'members', {});
      return (members as Row[]).filter(({ status }) => status === 'active').length === others.length + 1;
    });
  }

  /** An operator's list starts all of them at once. */
  async #capture(): Promise<void> {
    const list = join(this.#run.dir, 'list.txt');
    const lines = this.#moves.map(({ source, destination, inPlace, replicas, keepsNothing, tree }) =>
      [
        `${source} ${inPlace ? '--in-place' : destination} --paths ${tree} --replicas ${replicas}`,
        keepsNothing ? '--keep 0' : '',
      ].join(' '),
    );
    writeFileSync(list, `${lines.join('\n')}\n`);
    const atOnce = ['--start', '--at-once', String(this.#moves.length)];
    await this.#office.done(OPERATOR, ['associate', '--from', list, ...atOnce]);
    this.#note(`${this.#moves.length} associations`);
    await Promise.all([
      this.#strikePoint(this.#stores, this.#fate.inCapture),
      this.#revoke(),
      this.#until('all are safe to wipe', () => this.#allAre('safe')),
    ]);
    await this.#watcher.checked();
  }

  /** All sources at once, as soon as it was said that they may be. */
  async #wipe(): Promise<void> {
    const office = this.#office;
    const labs = this.#moves.filter(({ inPlace }) => inPlace).map(({ source }) => source);
    const names = join(this.#run.dir, 'labs.txt');
    const out = join(this.#run.dir, 'tickets');
    writeFileSync(names, `${labs.join('\n')}\n`);
    await office.done(OPERATOR, ['fleet', 'invite', '--ticket-batch', names, '--out', out]);
    await Promise.all(this.#moves.map(({ source }) => office.wipe(source)));
    this.#note('all sources are wiped');
    await office.startAll(labs, () => []);
    for (const lab of labs) await office.join(lab, readFileSync(join(out, `${lab}.ticket`), 'utf8'));
  }

  async #restore(): Promise<void> {
    const targets = this.#moves.map(({ into }) => into);
    await Promise.all([
      this.#strikePoint(targets, this.#fate.inRestore),
      ...this.#moves.map((move, index) => this.#restoreOne(move, this.#fate.policies[index]!)),
    ]);
    await this.#until('everybody knows that all are restored', () => this.#allAre('restored'));
  }

  async #restoreOne(move: Move, policy: string): Promise<void> {
    const { source, destination, inPlace, into, tree } = move;
    const from = inPlace ? [] : ['--from', source];
    const args = ['restore', ...from, '--into', into, '--strip', '--on-conflict', policy, '--yes'];
    if (move === this.#fate.mortal) await this.#dieIn(move, args);
    const ended = await this.#office.begin(destination, args).ended;
    if (ended.status !== 0) throw new Error(`${source}: its restore ${saidBy(ended)}`);
    const { differences } = compareTrees(tree, into);
    if (differences.length > 0) throw new Error(`${source}: ${differences.slice(0, 10).join('; ')}`);
  }

  /** The destination is killed in the middle of its restore, and comes back. */
  async #dieIn({ destination, into, treeBytes }: Move, args: readonly string[]): Promise<void> {
    const restore = this.#office.begin(destination, args);
    const { diesAt } = this.#fate;
    while (restore.running && bytesNow([into]) < diesAt * treeBytes) await sleep(this.#scale.lookMs);
    await this.#office.kill(destination);
    const { status } = await restore.ended;
    this.#note(`${destination} died at ${diesAt} of its restore, whose command ended with ${status}`);
    await this.#office.start(destination);
  }

  /** Kills the first point when a part of everything is in these folders, and brings it back after a while. */
  async #strikePoint(folders: readonly string[], { fraction, awayMs }: Strike): Promise<void> {
    const [point] = POINTS;
    const total = this.#moves.reduce((sum, { treeBytes }) => sum + treeBytes, 0);
    const enough = (): Promise<boolean> => Promise.resolve(bytesNow(folders) >= fraction * total);
    await this.#until(`${fraction} of all is there`, enough, this.#scale.lookMs);
    await this.#office.kill(point);
    this.#note(`${point} is killed at ${fraction}, for ${awayMs} ms`);
    await sleep(awayMs);
    await this.#office.start(point);
    this.#note(`${point} runs again`);
  }

  /** Takes a member out that keeps a share of a key, once one does. */
  async #revoke(): Promise<void> {
    const office = this.#office;
    const keeps = (name: string): boolean => namesIn(join(office.home(name), 'shares')).length > 0;
    await this.#until('somebody keeps a share', async () => this.#bystanders.some(keeps));
    await sleep(this.#fate.revokedAfterMs);
    const keepers = this.#bystanders.filter(keeps);
    const revoked = keepers[this.#fate.revoked % keepers.length]!;
    await office.done(OPERATOR, ['fleet', 'revoke', revoked]);
    this.#watcher.revoked.add(revoked);
    this.#note(`${revoked}, who keeps ${namesIn(join(office.home(revoked), 'shares')).length} shares, is revoked`);
  }

  /** Nobody has reserved or opened anything any more, nothing is left of the work, and what was to go has gone. */
  async #atRest(): Promise<void> {
    const office = this.#office;
    await this.#until('no point has a lease or a client', async () => {
      const { points } = await office.ask(OPERATOR, 'points', {});
      return (points as Row[]).every(({ reservedBytes, clients }) => reservedBytes === 0 && clients === 0);
    });
    await this.#until('what was to be deleted is', async () => {
      const kept = this.#moves.filter(({ keepsNothing }) => !keepsNothing);
      const held = await Promise.all(
        POINTS.map(async (name) => (await office.ask(name, 'status', GOAL)).held as Row[]),
      );
      return held.flat().every(({ association }) => kept.some((move) => this.#ids.get(move.source) === association));
    });
    for (const name of office.machines()) {
      const left = namesIn(join(office.home(name), 'scratch'), true);
      if (left.length > 0) throw new Error(`${name} left in its scratch folder: ${left.slice(0, 5).join(', ')}`);
    }
    for (const store of this.#stores) {
      const left = readdirSync(join(store, 'tmp'));
      if (left.length > 0) throw new Error(`${store} has ${left.length} unfinished files`);
    }
  }

  async #allAre(phase: string): Promise<boolean> {
    const rows = (await this.#office.ask(OPERATOR, 'status', GOAL)).migrations as Row[];
    for (const { sourceName, association } of rows) this.#ids.set(String(sourceName), association);
    return this.#moves.every(({ source }) => rows.some((row) => row.sourceName === source && row.phase === phase));
  }

  /** Ends early where something was said that is not so. */
  async #until(what: string, holds: () => Promise<boolean>, stepMs = 250): Promise<void> {
    const end = performance.now() + this.#scale.waitMaxMs;
    while (!(await holds())) {
      this.#office.mustBeOpen();
      if (this.#watcher.lies.length > 0) await this.#watcher.checked();
      if (performance.now() > end) throw new Error(`never came true: ${what}; ${await this.#standing()}`);
      await sleep(stepMs);
    }
    this.#note(what);
  }

  async #standing(): Promise<string> {
    const rows = (await this.#office.ask(OPERATOR, 'status', GOAL)).migrations as Row[];
    const shown = rows.map(({ sourceName, phase, copies, missing, notes }) => ({
      sourceName,
      phase,
      copies,
      missing,
      notes,
    }));
    return JSON.stringify(shown);
  }

  #tally(): Tally {
    const peaks = [...this.#office.peaks()].sort(([, a], [, b]) => b - a);
    this.#note(`most memory, MiB: ${peaks.map(([name, mib]) => `${name} ${mib}`).join(', ')}`);
    const { samples, said, openedBytes } = this.#watcher;
    return { moves: this.#moves.length, kills: 3, samples, said, openedMb: Math.round(openedBytes / 1e6) };
  }

  #note(text: string): void {
    this.#run.note(text);
  }
}

const GOAL = { goal: 'restored' } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: 'many-moves',
    about: '24 moves at once through two points, one of which is killed and brought back twice, all end right',
    gateRuns: 0,
    run: (run) => new ManyMoves(run, MANY).do(),
  },
  {
    name: 'few-moves',
    about: 'three moves at once through two points, one of which is killed and brought back twice, all end right',
    gateRuns: 0,
    run: (run) => new ManyMoves(run, FEW).do(),
  },
];
