import type { ErrorCode } from '../../../../src/common/errors.ts';
import type { RestoreOptions } from '../../../../src/state/restore/index.ts';
import type { DescriptorChanges, Forging } from './forging.ts';
import type { Scene } from './guard.ts';

/** What must happen when it is restored. */
export type Must =
  /** It ends with that error, whose message fits; nothing of it is in place but folders, unless `leaves` says what is. */
  | { readonly refused: ErrorCode; readonly says: RegExp; readonly leaves?: readonly string[] }
  /** The rest comes, and these are listed by path with a reason that fits. */
  | { readonly listed: Readonly<Record<string, RegExp>>; readonly and?: (scene: Scene) => void }
  /** What has the name keeps it: the hostile item is listed as a conflict. */
  | { readonly conflict: readonly string[]; readonly and?: (scene: Scene) => void }
  /** Nothing of it is a danger as it comes: `and` says how it comes. Not counted among those that are refused. */
  | { readonly harmless: (scene: Scene) => void };

/** A snapshot that no honest capture makes, with signatures, seals and hashes that are right. */
export interface HostileState {
  /** A sentence's subject: what is hostile. */
  readonly name: string;
  /** Published cases that are the same attack. */
  readonly cve?: readonly string[];
  readonly forge: (snapshot: Forging, scene: Scene) => void;
  readonly descriptor?: (scene: Scene) => DescriptorChanges;
  /** Changes the descriptor file that was signed. */
  readonly spoil?: (descriptor: Uint8Array) => Uint8Array;
  /** Called before the restore; `target` is not there yet. */
  readonly before?: (scene: Scene) => void;
  /** Files outside that the target has a name of too. */
  readonly shared?: readonly string[];
  readonly options?: Partial<RestoreOptions>;
  readonly must: Must;
  /** Undoing it afterwards must leave this in the target; default: what was there. `false`: it is not undone. */
  readonly undo?: false;
  /**
   * It is against what only the test gives: the id of the restore, which the real program chooses, or the association, which
   * somebody who names a folder does not ask for.
   */
  readonly ofTest?: true;
  /** Only as root, or only as another user; default: as both. */
  readonly as?: 'root' | 'user';
}
