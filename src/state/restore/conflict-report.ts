import type { Report } from '../../common/ports.ts';
import { ReportBuilder } from '../fs/report.ts';
import type { ConflictCounts } from './types.ts';

/** The reason that a report gives for what was replaced: nobody has to do anything about it. */
export const REPLACED = 'was there and is replaced';

/** Counts the conflicts of a restore, and lists them. */
export class ConflictReport {
  readonly #items = new ReportBuilder();
  #keptBoth = 0;
  #skipped = 0;
  #replaced = 0;

  /** `other`: the name of the restored one. */
  keptBoth(shownPath: string, other: string): void {
    this.#keptBoth += 1;
    this.#items.add(shownPath, `was there and stays; the restored one is “${other}”`);
  }

  skipped(shownPath: string): void {
    this.#skipped += 1;
    this.#items.add(shownPath, 'was there and stays; the captured one was not restored');
  }

  replaced(shownPath: string): void {
    this.#replaced += 1;
    this.#items.add(shownPath, REPLACED);
  }

  get counts(): ConflictCounts {
    return { keptBoth: this.#keptBoth, skipped: this.#skipped, replaced: this.#replaced };
  }

  report(): Report {
    return this.#items.report();
  }
}
