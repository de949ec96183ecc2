import { rmSync } from 'node:fs';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { peerIdText } from '../../common/ids.ts';
import type { AreaName } from '../../state/areas/base/names.ts';
import { type PlanSummary, planCapture } from '../../state/capture/index.ts';
import { explainPath } from '../../state/catalogue/explain.ts';
import { newStateId } from '../../state/format/index.ts';
import { showPath } from '../../state/fs/show-path.ts';
import { DOCUMENTS_NAME } from '../../state/plan/source-tree.ts';
import type { Emit } from '../events.ts';
import type { Home } from '../home/home.ts';
import { ProgressMeter } from '../progress-meter.ts';
import { openScope, type Scope, type ScopeWish } from './open-scope.ts';

export interface PlanOptions {
  readonly home: Home;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly exclude: readonly string[];
  readonly fleet: { readonly identity: { readonly peerId: string } };
}

export interface PlanRequest extends Pick<ScopeWish, 'paths' | 'areas'> {
  readonly root?: string | undefined;
  readonly explain?: string | undefined;
}

/** What one area, or one PATH, would take. */
interface PlannedArea {
  /** Null for a PATH. */
  readonly area: AreaName | null;
  readonly paths: readonly string[];
  readonly files: number;
  readonly bytes: number;
  /** Items of its document: users, printers. */
  readonly items: number;
}

export interface PlanDone {
  readonly areas: readonly PlannedArea[];
  readonly files: number;
  readonly bytes: number;
  readonly upperBoundBytes: number;
  readonly skipped: number;
  readonly leftByRules: readonly {
    readonly rule: string;
    readonly items: number;
    readonly examples: readonly string[];
  }[];
  readonly explained: {
    readonly path: string;
    readonly taken: boolean;
    readonly because: string;
    readonly others: readonly string[];
  } | null;
}

/** Says what a capture would take, area by area, and what it would leave out; or which rule decides about one path. */
export async function planOf(
  options: PlanOptions,
  request: PlanRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<PlanDone> {
  const { home, clock, exclude } = options;
  const folder = home.scratchFolder('areas-');
  try {
    const scope = await openScope(
      { paths: request.paths, areas: request.areas, root: request.root ?? '/' },
      { exclude, folder, ruleFolders: home.ruleFolders(), nowMs: clock.now(), emit, signal },
    );
    if (request.explain !== undefined) return { ...NOTHING, explained: explain(scope, request.explain) };
    return await scanned(options, scope, emit, signal);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const NOTHING = { areas: [], files: 0, bytes: 0, upperBoundBytes: 0, skipped: 0, leftByRules: [], explained: null };

function explain({ filter, paths }: Scope, path: string): PlanDone['explained'] {
  const places = {
    homes: filter?.homes ?? [],
    roots: filter?.roots ?? [],
    whole: paths.map((one) => Buffer.from(one)),
  };
  const { isTaken, because, others } = explainPath(filter?.rules ?? [], places, Buffer.from(path));
  return { path, taken: isTaken, because, others };
}

async function scanned(options: PlanOptions, scope: Scope, emit: Emit, signal: AbortSignal): Promise<PlanDone> {
  const { home, random, clock, exclude, fleet } = options;
  const meter = new ProgressMeter(clock, emit);
  const capture = await planCapture(
    {
      paths: scope.paths.map((path) => Buffer.from(path)),
      tree: scope.tree,
      filter: scope.filter,
      exclude: exclude.map((path) => Buffer.from(path)),
      scratchDir: home.scratchDir(),
      // Nothing is sealed with it.
      stateId: newStateId(peerIdText(fleet.identity.peerId), random(32)),
      stateKey: random(32),
    },
    { onProgress: meter.onProgress, signal },
  );
  meter.finish();
  try {
    const { plan } = capture;
    for (const path of plan.excluded) emit({ event: 'note', message: `left out, the agent's own: ${path}` });
    for (const item of plan.skipped.items) emit({ event: 'skipped', ...item });
    return {
      areas: areasOf(scope, plan),
      files: plan.files,
      bytes: plan.bytes,
      upperBoundBytes: plan.upperBoundBytes,
      skipped: plan.skipped.count + scope.skipped,
      leftByRules: plan.leftByRules,
      explained: null,
    };
  } finally {
    await capture.close();
  }
}

function areasOf({ areas, paths }: Scope, { byRoot }: PlanSummary): PlannedArea[] {
  const sums = new Map(byRoot.map(({ path, items, bytes }) => [showPath(path), { items, bytes }]));
  const sumOf = (roots: readonly string[]) => {
    const found = roots.map((root) => sums.get(showPath(Buffer.from(root))) ?? { items: 0, bytes: 0 });
    return {
      files: found.reduce((sum, { items }) => sum + items, 0),
      bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  };
  const given = paths.filter((path) => path !== `/${DOCUMENTS_NAME}`);
  return [
    ...areas.map(({ area, roots, items, bytes }): PlannedArea => {
      const own = roots.map(({ path }) => path);
      const sum = sumOf(own);
      return { area, paths: own, files: sum.files, bytes: sum.bytes + bytes, items };
    }),
    ...given.map((path): PlannedArea => ({ area: null, paths: [path], ...sumOf([path]), items: 0 })),
  ];
}
