import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf } from '../../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../../common/clock.ts';
import { type MachineDocument, readDocuments } from '../../../state/areas/base/documents.ts';
import { LocalSystem } from '../../../state/areas/base/local-system.ts';
import type { FolderPath } from '../../../state/format/index.ts';
import { DOCUMENTS_NAME } from '../../../state/plan/source-tree.ts';
import { openSnapshot, restoreSnapshot } from '../../../state/restore/index.ts';
import { namesOfShownPath } from '../../../state/tools/index.ts';
import type { Emit } from '../../events.ts';
import type { Home } from '../../home/home.ts';
import type { Applied, ApplyGround, ApplyOptions, CarryOut, RestoreWish, Subject } from './apply-types.ts';
import { DOCUMENTS, filesOf, isDocuments, isSomeAreas } from './choose-files.ts';
import { FilesRun } from './files-run.ts';
import { restoreMachine } from './restore-machine.ts';

export type { Applied, ApplyOptions, RestoreWish } from './apply-types.ts';

/** Restores a snapshot, tells of each item that needs a person, and returns what `done` says of it. */
export function applySnapshot(
  options: ApplyOptions,
  subject: Subject,
  wish: RestoreWish,
  emit: Emit,
  signal: AbortSignal,
): Promise<Applied> {
  const restoreId = newRestoreId(options.home, options.clock, options.random);
  const carryOut: CarryOut = (asked, on) => restoreSnapshot({ ...subject, ...asked }, on);
  const open = (): Promise<Opened> => openedSnapshot(subject.descriptor, subject.stateKey);
  return applyBy(carryOut, options, { restoreId, open }, wish, emit, signal);
}

export interface Identified {
  readonly restoreId: string;
  /** What its descriptor says. */
  open(): Promise<Opened>;
}

export interface Opened {
  readonly roots: readonly FolderPath[];
  /** 64 hexadecimal digits. */
  readonly descriptorHash: string;
}

/** Verifies and opens a descriptor. Throws `damaged`, `refused`. */
export async function openedSnapshot(descriptor: Uint8Array, stateKey: Uint8Array): Promise<Opened> {
  const { sealed, header } = await openSnapshot(descriptor, stateKey);
  return { roots: sealed.roots, descriptorHash: hexOf(header.descriptorHash) };
}

/** The same by whatever restores: `carryOut` is told how. */
export async function applyBy(
  carryOut: CarryOut,
  ground: ApplyGround,
  snapshot: Identified,
  wish: RestoreWish,
  emit: Emit,
  signal: AbortSignal,
): Promise<Applied> {
  if (wish.allowPrivileged && process.getuid?.() !== 0) {
    emit({ event: 'note', message: 'privileged effects stay withheld: only root can bring them' });
  }
  const { roots, descriptorHash } = await snapshot.open();
  const files = new FilesRun(carryOut, ground, wish, emit, signal);
  if (wish.only) return await files.run(snapshot.restoreId, { only: wish.only.map(namesOfShownPath) });
  if (wish.root && roots.some(isDocuments)) {
    const { restoreId } = snapshot;
    return await restoreMachine({ ground, files, wish, emit, signal }, { restoreId, roots, descriptorHash });
  }
  const needsNames = !wish.root && isSomeAreas(wish) && roots.some(isDocuments);
  const ofAreas = needsNames ? await rootsOfAreas(files, ground, snapshot) : [];
  const chosen = filesOf(roots, wish, new LocalSystem(wish.into), ofAreas);
  for (const item of chosen.withheld) emit({ event: 'skipped', ...item });
  const { only, places } = chosen;
  const asked = { ...(only && { only }), ...(places.length > 0 && { places }) };
  const applied = await files.run(snapshot.restoreId, asked);
  return { ...applied, skipped: applied.skipped + chosen.withheld.length };
}

/** Which captured paths are whose area's, by the snapshot's own word. */
async function rootsOfAreas(
  files: FilesRun,
  { home }: ApplyGround,
  { restoreId }: Identified,
): Promise<MachineDocument['roots']> {
  const scratch = home.scratchFolder('documents-');
  try {
    const documents = join(scratch, 'documents');
    await files.fetch(DOCUMENTS, documents, `${restoreId}-d`);
    return readDocuments(join(documents, DOCUMENTS_NAME), []).machine.roots;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * Ids of later restores of a HOME come later in the alphabet, also where its clock was set back between them:
 * `20260131-235959123-` (UTC) and eight hexadecimal digits.
 */
export function newRestoreId(home: Home, clock: Clock, random: RandomBytes): string {
  const times = home.list('restores').map(timeOfId);
  const digits = new Date(Math.max(clock.now(), ...times.map((time) => time + 1))).toISOString().replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8)}-${hexOf(random(4))}`;
}

/** When a restore was begun, by its id, in milliseconds since 1970; 0 for other names. */
function timeOfId(id: string): number {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(\d{3})-[0-9a-f]{8}$/.exec(id) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`) || 0;
}
