import { REPORT_ITEMS_MAX } from '../../common/limits.ts';
import type { Report, ReportItem } from '../../common/ports.ts';

/** Gathers a report that cannot grow without end. */
export class ReportBuilder {
  readonly #items: ReportItem[] = [];
  #count = 0;

  add(path: string, reason: string): void {
    this.#count += 1;
    if (this.#items.length < REPORT_ITEMS_MAX) this.#items.push({ path, reason });
  }

  /** Takes items that another report already counts. */
  addCounted(count: number): void {
    this.#count += count;
  }

  report(): Report {
    return { items: [...this.#items], count: this.#count };
  }
}
