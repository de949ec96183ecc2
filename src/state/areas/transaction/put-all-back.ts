import { messageOf, ResettleError } from '../../../common/errors.ts';
import { failpoint } from '../../../common/failpoint.ts';
import { setTime, statOf, syncFolder } from '../../fs/calls.ts';
import { codeOf } from '../../fs/errno.ts';
import { AREA_NAMES, type AreaName } from '../base/names.ts';
import type { Beneath } from './beneath.ts';
import type { Journal } from './journal.ts';
import { timesOf } from './phase.ts';
import { PutBack } from './put-back.ts';
import { folderOf, inOrder, PHASES, type Phase, type Step } from './steps.ts';

/** Puts phases back, the later first, each step the other way round; then the times of the folders that they lie in. */
export function putAllBack(
  beneath: Beneath,
  journal: Journal,
  phases: readonly Phase[],
  onPoint: (point: string) => void = () => {},
): PutBack {
  const changed = new Set(noteChanged(beneath, journal));
  const back = new PutBack(beneath, journal);
  const failures: unknown[] = [];
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      failures.push(error);
    }
  };
  for (const phase of [...phases].reverse()) {
    const begun = new Set(begunSteps(journal, phase));
    for (const step of inOrder(journal.plan.steps, phase).toReversed()) {
      attempt(() => (begun.has(step) ? back.step(step, -1) : back.sweep(step)));
      failpoint('areas.step-put-back');
      onPoint(`undo: step ${step.number}`);
    }
    attempt(() => back.sync());
    const times = journal.last('intent', phase)?.times ?? [];
    for (const [path, timeNs] of times) if (!changed.has(path)) attempt(() => giveTime(beneath, path, timeNs));
    if (failures.length === 0) journal.noteIfPossible({ did: 'undone', phase, kept: back.kept.report().count });
    failpoint('areas.phase-put-back');
    onPoint(`undo: ${phase}`);
  }
  if (failures.length > 0) throw notPutBack(journal, failures);
  return back;
}

/** Takes some areas back and leaves the others: each step to what the earliest of those found. */
export function putAreasBack(beneath: Beneath, journal: Journal, areas: readonly AreaName[]): PutBack {
  const had = new Map(journal.plan.steps.map((step) => [step, journal.levelOf(step)]));
  journal.noteIfPossible({ did: 'back', areas });
  const back = new PutBack(beneath, journal);
  for (const phase of PHASES.toReversed()) {
    const steps = begunSteps(journal, phase);
    const changed = steps.filter((step) => journal.levelOf(step) < had.get(step)!).toReversed();
    for (const step of changed) back.step(step, journal.levelOf(step));
    back.sync();
    const inUse = new Set(steps.filter((step) => journal.levelOf(step) >= 0).map(({ path }) => folderOf(path)));
    const own = new Set(changed.map(({ path }) => folderOf(path)));
    for (const [path, timeNs] of journal.last('intent', phase)?.times ?? []) {
      if (own.has(path) && !inUse.has(path)) giveTime(beneath, path, timeNs);
    }
  }
  return back;
}

/**
 * Those areas, and the later ones that changed the same paths, which built upon what they made. In the order of a restore.
 */
export function withDependents(journal: Journal, areas: Iterable<AreaName>): AreaName[] {
  const found = new Set(areas);
  const paths = (area: AreaName) =>
    journal.plan.steps.filter(({ layers }) => layers.some((layer) => layer.area === area)).map(({ path }) => path);
  const lost = new Set<string>();
  for (const area of AREA_NAMES) {
    const own = paths(area);
    if (own.some((path) => lost.has(path))) found.add(area);
    if (found.has(area)) for (const path of own) lost.add(path);
  }
  return AREA_NAMES.filter((area) => found.has(area));
}

/** Steps that may have been done. */
function begunSteps(journal: Journal, phase: Phase): readonly Step[] {
  if (!journal.last('intent', phase)) return [];
  const halt = journal.last('halt', phase);
  return inOrder(journal.plan.steps, phase).filter(({ number }) => !halt?.notBegun.includes(number));
}

/** Folders that somebody changed since everything was done. Looked at once, before anything is put back. */
function noteChanged(beneath: Beneath, journal: Journal): readonly string[] {
  const known = journal.last('undo');
  if (known) return known.changed;
  const left = journal.last('left')?.times ?? [];
  const now = new Map(
    timesOf(
      beneath,
      left.map(([path]) => path),
    ),
  );
  const changed = left.filter(([path, timeNs]) => now.get(path) !== timeNs).map(([path]) => path);
  journal.noteIfPossible({ did: 'undo', changed });
  return changed;
}

function giveTime(beneath: Beneath, path: string, timeNs: string): void {
  try {
    beneath.folder(path, (folder) => {
      // Where nothing was done there, nothing is: it may be read-only.
      if (`${statOf(folder).mtimeNs}` === timeNs) return;
      setTime(folder, BigInt(timeNs));
      syncFolder(folder);
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
}

function notPutBack(journal: Journal, failures: readonly unknown[]): ResettleError {
  const first = messageOf(failures[0]);
  return new ResettleError('failed', `${failures.length} changes of system areas could not be put back: ${first}`, {
    hint: `what was there before is kept in ${journal.dir}; "resettle undo" tries again`,
    cause: failures[0],
  });
}
