import { LOSSES_NAMED_MAX } from '../../common/limits.ts';
import type { Report } from '../../common/ports.ts';
import { ReportBuilder } from '../fs/report.ts';

/** What is not restored, or not as captured: by reason, the first items of each by name, the others counted. */
export class Losses {
  readonly #report = new ReportBuilder();
  readonly #named = new Map<string, number>();

  /** `reason` is one of few sentences. */
  add(shownPath: () => string, reason: string): void {
    const named = this.#named.get(reason) ?? 0;
    if (named >= LOSSES_NAMED_MAX) {
      this.#report.addCounted(1);
      return;
    }
    this.#named.set(reason, named + 1);
    this.#report.add(shownPath(), reason);
  }

  report(): Report {
    return this.#report.report();
  }
}

/** Errors that concern one item, which is then listed; all others stop the restore. */
const OF_ONE_ITEM: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EINVAL',
  'ENAMETOOLONG',
  'EILSEQ',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EFBIG',
  'ENXIO',
  'EBUSY',
  'E2BIG',
  'EMLINK',
]);

/** Whether a failed call says that this one item cannot be kept here. */
export const concernsOneItem = (code: string | undefined) => code !== undefined && OF_ONE_ITEM.has(code);

/** What a file system answers that does not know an attribute, an owner, a flag. */
const NOT_KEPT: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'ENOTTY',
  'ERANGE',
  'E2BIG',
  'ENODATA',
]);

export const saysNotKept = (code: string | undefined) => code !== undefined && NOT_KEPT.has(code);
