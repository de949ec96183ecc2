import { ResettleError } from '../../../common/errors.ts';
import { type IdLimits, isPersonal } from './login-defs.ts';

/** Gives ids that nobody has, as useradd does: the one above the highest, or the lowest free one at the end of the range. */
export class FreeIds {
  readonly #used: Set<number>;
  readonly #limits: IdLimits;

  constructor(used: Iterable<number>, limits: IdLimits) {
    this.#used = new Set(used);
    this.#limits = limits;
  }

  /** Takes an id if it is free and one of people. */
  take(id: number): boolean {
    if (this.#used.has(id) || !isPersonal(id, this.#limits)) return false;
    this.#used.add(id);
    return true;
  }

  /** Throws `failed` where the range is full. */
  next(): number {
    const { min, max } = this.#limits;
    let id = Math.max(min - 1, ...[...this.#used].filter((one) => isPersonal(one, this.#limits))) + 1;
    if (id > max || !isPersonal(id, this.#limits)) {
      id = min;
      while (this.#used.has(id) || (id <= max && !isPersonal(id, this.#limits))) id++;
    }
    if (!this.take(id)) {
      throw new ResettleError('failed', `there is no free id for people between ${min} and ${max}`, {
        hint: 'widen the range in /etc/login.defs of the target',
      });
    }
    return id;
  }
}
