import { AREA_PRE_IMAGE_MAX_BYTES } from '../../../common/limits.ts';
import { codeOf, reasonOf } from '../../fs/errno.ts';
import { INODE_FLAG } from '../../fs/inode-flags.ts';
import type { Change } from '../base/change.ts';
import type { AreaName } from '../base/names.ts';
import { type Beneath, hashOfBytes } from './beneath.ts';
import type { Node, OwnedMode, Present } from './node.ts';
import { foldersAbove, type Layer, type Made, PHASES, type Phase, phaseOf, type Step, stateAt, top } from './steps.ts';

const LOCKED = INODE_FLAG.immutable | INODE_FLAG.append;

interface Growing extends Step {
  readonly layers: Layer[];
  /** Bytes of the files among its layers. */
  readonly contents: Map<Layer, Uint8Array>;
}

/** Turns changes of items, as they are planned, into steps; and says what cannot be done before it is planned. */
export class StepPlanner {
  readonly #beneath: Beneath;
  readonly #isLoose: (path: string) => boolean;
  /** By phase and path, in the order of the last change; a folder keeps the place of its first. */
  readonly #steps = { before: new Map<string, Growing>(), after: new Map<string, Growing>() };
  readonly #present = new Map<string, Present>();
  #count = 0;

  /** `isLoose`: whether the files of the same restore may change a path, between planning and the second phase. */
  constructor(beneath: Beneath, isLoose: (path: string) => boolean) {
    this.#beneath = beneath;
    this.#isLoose = isLoose;
  }

  get steps(): readonly Step[] {
    return [...this.#steps.before.values(), ...this.#steps.after.values()];
  }

  /** The bytes of a layer's file. */
  contentOf(step: Step, layer: Layer): Uint8Array | undefined {
    return (step as Growing).contents.get(layer);
  }

  /** Folders that steps lie in and that are there, with what they have: but for those that the restore itself may change. */
  get folders(): Readonly<Record<string, OwnedMode>> {
    const found: Record<string, OwnedMode> = {};
    for (const { path } of this.steps) {
      for (const folder of foldersAbove(path)) {
        const present = this.#at(folder);
        const isOurs = this.#steps.before.has(folder) || this.#steps.after.has(folder) || this.#isLoose(folder);
        if (present.kind !== 'folder' || isOurs) continue;
        const { mode, uid, gid } = present;
        found[folder] = { mode, uid, gid };
      }
    }
    return found;
  }

  /** Why an item with these changes cannot be done here; undefined where it can. */
  reasonAgainst(changes: readonly Change[]): string | undefined {
    const own = new Map<string, Node['kind']>();
    const kindOf = (path: string) => own.get(path) ?? this.#nodeAt(path).kind;
    try {
      for (const change of changes) {
        const reason = this.#above(change.path, kindOf) ?? this.#itself(change, kindOf(change.path));
        if (reason) return reason;
        own.set(change.path, kindAfter(change, kindOf(change.path)));
        for (const folder of foldersAbove(change.path)) own.set(folder, 'folder');
      }
      return undefined;
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      return `its place cannot be looked at: ${reasonOf(error)}`;
    }
  }

  /** Takes a change that nothing was said against. */
  add(area: AreaName, change: Change): void {
    for (const folder of foldersAbove(change.path)) {
      if (this.#nodeAt(folder).kind === 'absent')
        this.#put(area, folder, { kind: 'folder', mode: 0o755, uid: 0, gid: 0 });
    }
    // A folder that was made for something in it gets the owner and mode that are wanted of it now.
    const isThere = change.kind === 'folder' && this.#nodeAt(change.path).kind === 'folder';
    const made = madeOf(isThere ? { ...change, kind: 'metadata' } : change);
    this.#put(area, change.path, made, change.kind === 'file' ? change.content : undefined);
  }

  #above(path: string, kindOf: (path: string) => Node['kind']): string | undefined {
    for (const folder of foldersAbove(path)) {
      const kind = kindOf(folder);
      if (kind === 'link') return `${folder} is a symbolic link, and nothing is written through one`;
      if (kind !== 'folder' && kind !== 'absent') return `${folder} is no folder`;
      if (kind === 'absent' && !this.#isFree(folder)) return `${folder} would have to become a folder`;
    }
    return undefined;
  }

  #itself(change: Change, kind: Node['kind']): string | undefined {
    const { path } = change;
    if (kind === 'other') return `${path} is neither a file nor a link`;
    if (change.kind === 'metadata') {
      if (kind !== 'file' && kind !== 'folder') return `${path} is no file or folder`;
    } else if (change.kind === 'folder') {
      const isFine = kind === 'folder' || (kind === 'absent' && this.#isFree(path));
      if (!isFine) return `something else is where ${path} would be a folder`;
    } else if (kind === 'folder') return `a folder is in the place of ${path}`;
    return this.#locked(path);
  }

  /** Nothing was there, and nothing was planned there: what was a file does not become a folder at one stroke. */
  #isFree(path: string): boolean {
    return this.#at(path).kind === 'absent' && !this.#steps.before.has(path) && !this.#steps.after.has(path);
  }

  #locked(path: string): string | undefined {
    const present = this.#at(path);
    if (((present.extras?.flags ?? 0) & LOCKED) !== 0)
      return `${path} is marked as immutable; chattr -ia ${path} ends that`;
    if (present.kind === 'file' && present.sizeBytes > AREA_PRE_IMAGE_MAX_BYTES) return `${path} is larger than 64 MiB`;
    return undefined;
  }

  #put(area: AreaName, path: string, made: Made, content?: Uint8Array): void {
    const steps = this.#steps[phaseOf(area)];
    const step = steps.get(path) ?? this.#begin(phaseOf(area), path);
    const last = step.layers.at(-1);
    const merged = made.kind === 'metadata' ? withMetadata(last?.made, made) : made;
    const layer: Layer = { area, made: merged };
    const bytes = content ?? (merged.kind === 'file' && last ? step.contents.get(last) : undefined);
    if (last?.area === area) step.layers.pop();
    step.layers.push(layer);
    if (bytes) step.contents.set(layer, bytes);
    if (made.kind !== 'folder' && made.kind !== 'metadata') steps.delete(path);
    steps.set(path, step);
  }

  #begin(phase: Phase, path: string): Growing {
    const isLoose = phase === 'after' && this.#isLoose(path);
    const isLate = isLoose || (phase === 'after' && this.#steps.before.has(path));
    const number = this.#count++;
    return {
      number,
      phase,
      path,
      ...(isLate ? { isLoose } : { before: this.#at(path) }),
      layers: [],
      contents: new Map(),
    };
  }

  /** What a path will be with what was planned so far. */
  #nodeAt(path: string): Node {
    return PHASES.reduce((below: Node, phase) => {
      const step = this.#steps[phase].get(path);
      return step ? stateAt(step, below, top(step)) : below;
    }, this.#at(path));
  }

  /** What was there when it was first looked at. */
  #at(path: string): Present {
    const known = this.#present.get(path);
    if (known) return known;
    const present = this.#beneath.present(path);
    this.#present.set(path, present);
    return present;
  }
}

function madeOf(change: Change): Made {
  switch (change.kind) {
    case 'remove':
      return { kind: 'absent' };
    case 'link':
      return { kind: 'link', target: Buffer.from(change.target).toString('base64') };
    case 'file': {
      const { content, mode, uid, gid } = change;
      return { kind: 'file', mode, uid, gid, sizeBytes: content.length, hash: hashOfBytes(content) };
    }
    default: {
      const { kind, mode, uid, gid } = change;
      return { kind, mode, uid, gid };
    }
  }
}

/** Of what an earlier change of the same step made, if it did: the same with another owner and mode. */
function withMetadata(below: Made | undefined, made: Made & { kind: 'metadata' }): Made {
  const { mode, uid, gid } = made;
  return below?.kind === 'file' || below?.kind === 'folder' ? { ...below, mode, uid, gid } : made;
}

function kindAfter(change: Change, kind: Node['kind']): Node['kind'] {
  if (change.kind === 'remove') return 'absent';
  return change.kind === 'metadata' ? kind : change.kind;
}
