import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { RestoredRoot } from '../../restore/restored-root.ts';
import type { UndoRecord } from '../../restore/undo-record.ts';
import { type Documents, readDocuments } from '../base/documents.ts';
import { LocalSystem } from '../base/local-system.ts';
import { isAreaName, ONLY_WHERE_ASKED } from '../base/names.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { sourceOf } from '../survey/survey.ts';
import { troubleOf } from './deeds.ts';
import { fileItems } from './file-items.ts';
import { makeChecklist } from './make-checklist.ts';
import type { ChecklistParts } from './messages.ts';
import { type OutcomeFile, readOutcome } from './outcome.ts';
import type { Checklist, ChecklistMachine } from './types.ts';

/** What a restore kept of its system areas. */
interface KeptAreas {
  readonly documents: Documents;
  readonly outcome: OutcomeFile;
  readonly owners: Owners;
  readonly system: System;
}

/** The checklist of a finished restore, from what it kept in its folder and what its files were found to be. */
export function checklistOfRestore(
  undoDir: string,
  { record, roots }: { readonly record: UndoRecord; readonly roots: readonly RestoredRoot[] },
  parts: ChecklistParts,
  nowMs: number,
): Checklist {
  const kept = readKept(undoDir, parts);
  const system = kept?.system ?? new LocalSystem('/');
  const files = fileItems(roots, {
    into: record.target,
    roots: kept?.documents.machine.roots ?? [],
    home: (path) => kept?.owners.home(path) ?? path,
  });
  const source = kept?.documents.machine.source;
  const head = {
    restore: record.restore,
    state: record.state,
    snapshot: record.snapshot,
    source: { name: record.machine, os: source?.osName ?? '' },
    machine: machineOf(system),
    into: record.target,
    capturedAt: record.capturedAt ?? null,
    restoredAt: record.restoredAt,
    madeAt: new Date(nowMs).toISOString(),
  };
  if (!kept) return makeChecklist(head, files);
  const { documents, outcome, owners } = kept;
  const { areas, asked, identity } = outcome.wish;
  const chosen = areas.filter((name) => !isAreaName(name) || !ONLY_WHERE_ASKED.has(name) || asked.includes(name));
  return makeChecklist(head, files, {
    ...{
      documents,
      system,
      chosen,
      notAsked: areas.filter((name) => !chosen.includes(name)),
      outcome: outcome.items,
      trouble: troubleOf(outcome),
      areas: parts.areas,
    },
    about: { identity, owners, source: documents.machine.source, nowMs },
  });
}

/** Undefined where only files were restored. */
function readKept(undoDir: string, { areas, ownersOf }: ChecklistParts): KeptAreas | undefined {
  const folder = join(undoDir, 'areas');
  if (!existsSync(join(folder, 'outcome.json'))) return undefined;
  const outcome = readOutcome(folder);
  const documents = readDocuments(join(folder, 'documents'), areas);
  return { documents, outcome, owners: ownersOf(outcome.owners), system: new LocalSystem(outcome.wish.root) };
}

function machineOf(system: System): ChecklistMachine {
  const { hostname: name, osName } = sourceOf(system);
  return { name: system.isLive ? hostname() : name || system.root, os: osName };
}
