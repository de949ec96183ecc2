import { hexOf } from '../../../../common/bytes.ts';
import type { RandomBytes } from '../../../../common/clock.ts';
import { ResettleError } from '../../../../common/errors.ts';
import type { PackId } from '../../../../common/ids.ts';
import { TRIAL_DRAWS, TRIAL_PACKS } from '../../../../common/limits.ts';
import { digest, type PackReference } from '../../../../state/format/index.ts';
import type { Trial } from '../../../../state/trial/index.ts';
import type { Timing } from '../holders/timing.ts';
import type { OpenHolder } from '../holders/types.ts';
import { fetchWatched } from '../holders/watched.ts';
import type { PointAccess } from '../point-access.ts';
import type { TrialTask } from './needed.ts';

export interface TryOptions {
  /** `AGE-SECRET-KEY-1…` of this machine. */
  readonly ageIdentity: string;
  readonly random: RandomBytes;
  readonly timing: Timing;
}

/**
 * Does with one holder what a restore would do, for a few packs that nobody could foresee. Settles when all of it has
 * verified. Throws what did not: `refused`, `damaged`, `not-found`, `no-point`, `failed`.
 */
export async function tryHolder(
  options: TryOptions,
  { association, state, snapshot, descriptorHash }: TrialTask,
  holder: PointAccess,
  trial: Trial,
  signal: AbortSignal,
): Promise<void> {
  const { descriptor, key: keyFile } = await holder.snapshot(state, snapshot, '', signal);
  if (keyFile.length === 0) throw new ResettleError('not-found', 'it has no key file for this machine');
  const expected = { state, source: association.body.source, association: association.id, snapshot, descriptorHash };
  const { ageIdentity, random, timing } = options;
  const numbers = random(TRIAL_DRAWS * 4);
  const draws = [...new Uint32Array(numbers.buffer.slice(numbers.byteOffset, numbers.byteOffset + numbers.length))];
  const drawn = await trial.openSnapshot({ descriptor, keyFile, ageIdentity, expected, draws });
  signal.throwIfAborted();
  const open = await holder.open(state, signal);
  try {
    const packs = await thoseHeld(open, drawn, signal);
    if (packs.length === 0 && drawn.length > 0) throw new ResettleError('not-found', 'it has none of the packs');
    for (const pack of packs) await tryPack(open, pack, trial, timing, signal);
    await open.close();
  } catch (error) {
    open.abort(error instanceof Error ? error : new Error(String(error)), false);
    throw error;
  }
}

/** A few of the drawn packs that this holder has: of a state that is spread it has some only. */
async function thoseHeld(
  open: OpenHolder,
  drawn: readonly PackReference[],
  signal: AbortSignal,
): Promise<PackReference[]> {
  const missing = new Set<PackId>(
    await open.missing(
      drawn.map(({ id }) => id),
      signal,
    ),
  );
  return drawn.filter(({ id }) => !missing.has(id)).slice(0, TRIAL_PACKS);
}

async function tryPack(
  open: OpenHolder,
  { id, sizeBytes }: PackReference,
  trial: Trial,
  timing: Timing,
  signal: AbortSignal,
): Promise<void> {
  let given = 0;
  const onBytes = (filled: number): void => {
    given = filled;
  };
  const into = trial.buffer;
  const check = (): boolean => hexOf(digest(into.subarray(0, sizeBytes))) === id;
  const want = { id, sizeBytes, into, from: 0, onBytes, check };
  const right = await fetchWatched(open, want, { ...timing, given: () => given, leastBytes: () => 1 }, signal);
  if (!right) throw new ResettleError('damaged', `it gave wrong bytes for pack ${id}`);
  await trial.openPack(sizeBytes);
}
