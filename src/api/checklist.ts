import {
  type Checklist,
  type ChecklistHead,
  type ChecklistItem,
  checklistHtml,
  checklistLines,
  exitStatusOf,
  grouped,
  isChecklistHtml,
} from '../state/areas/checklist/index.ts';
import type { ApiEvent } from './contract.ts';

export { checklistHtml, checklistLines, exitStatusOf, isChecklistHtml };

type Done = Record<string, unknown>;

/** Tells a checklist item by item, and returns what `done` says: its head. */
export function tellChecklist({ groups, ...head }: Checklist, emit: (event: ApiEvent) => void): Done {
  for (const { items } of groups) {
    for (const item of items) emit({ event: 'check', ...item });
  }
  return { ...head };
}

/** Puts together again what was told. */
export class ToldChecklist {
  readonly #items: ChecklistItem[] = [];

  /** False for an event that is no item. */
  add({ event, ...item }: ApiEvent): boolean {
    if (event !== 'check') return false;
    this.#items.push(item as unknown as ChecklistItem);
    return true;
  }

  end(done: Done): Checklist {
    return { ...(done as unknown as ChecklistHead), groups: grouped(this.#items) };
  }
}
