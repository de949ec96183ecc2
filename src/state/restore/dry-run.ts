import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry, FolderPath } from '../format/index.ts';
import { showPath } from '../fs/show-path.ts';
import type { ConflictReport } from './conflict-report.ts';
import type { DecisionSink } from './decide.ts';
import type { FolderDecision, ItemDecision } from './decision-log.ts';
import type { Giving } from './given.ts';
import type { Keeps } from './keeps.ts';
import type { Losses } from './losses.ts';
import type { OwnerPolicy } from './owner-policy.ts';
import type { Tally } from './tally.ts';
import type { RestoreItem } from './types.ts';

const BATCH = 512;

/** What a file system keeps is not tried in a dry run: that would change something. */
export const KEEPS_ALL: Keeps = { ownersAreOurs: true, owners: true, modes: true, times: 'exactly' };

/** Makes a scratch folder of its own; `remove` ends it. */
export function scratchFolder(parent: string | undefined): { path: string; remove(): void } {
  const path = mkdtempSync(join(parent ?? tmpdir(), 'resettle-dry-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Takes no decision down: for a walk that only looks. */
export const NO_DECISIONS: DecisionSink = { folder() {}, item() {} };

const shownIn = (path: FolderPath, name: Uint8Array) => [...path, name].map(showPath).join('/') || '.';

/** Counts and tells what would be done. */
export class DryRun implements DecisionSink {
  readonly #tell: (items: readonly RestoreItem[]) => void;
  readonly #tally: Tally;
  readonly #conflicts: ConflictReport;
  #items: RestoreItem[] = [];

  constructor(tell: (items: readonly RestoreItem[]) => void, tally: Tally, conflicts: ConflictReport) {
    this.#tell = tell;
    this.#tally = tally;
    this.#conflicts = conflicts;
  }

  folder(decision: FolderDecision, path: FolderPath, name: Uint8Array): void {
    if (decision.action === 'outside') return;
    if (decision.given && decision.action !== 'skip') this.#tally.counts.folders += 1;
    if (decision.isBase) return;
    this.#add(decision, path, name);
  }

  item(decision: ItemDecision, path: FolderPath, name: Uint8Array): void {
    if (decision.action === 'outside') return;
    if (decision.action !== 'skip') this.#tally.add(decision.kind, decision.sizeBytes);
    this.#add(decision, path, name);
  }

  flush(): void {
    if (this.#items.length > 0) this.#tell(this.#items);
    this.#items = [];
  }

  #add({ action, name: given }: FolderDecision | ItemDecision, path: FolderPath, name: Uint8Array): void {
    const captured = shownIn(path, name);
    if (action === 'keep-both') this.#conflicts.keptBoth(captured, showPath(given));
    else if (action === 'skip') this.#conflicts.skipped(captured);
    else if (action === 'replace') this.#conflicts.replaced(captured);
    if (action !== 'outside') {
      this.#items.push({ action: action === 'leave' ? 'merge' : action, path: shownIn(path, given) });
    }
    if (this.#items.length >= BATCH) this.flush();
  }
}

/** Lists what of an item would be withheld. */
export function noteOf(
  giving: Giving,
  owners: OwnerPolicy,
  losses: Losses,
): (path: FolderPath, entry: Entry, place: number) => void {
  return (path, entry, place) => {
    if (entry.kind === 'more' || entry.kind === 'ancestor' || entry.kind === 'hardlink') return;
    giving.note(entry, entry.kind, place, () => shownIn(path, entry.name), losses);
    owners.note(entry);
  };
}

/** Lists what a place leaves out. */
export function leftOutOf(losses: Losses): (path: FolderPath, name: Uint8Array, reason: string) => void {
  return (path, name, reason) => losses.add(() => shownIn(path, name), reason);
}
