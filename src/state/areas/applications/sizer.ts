import {
  APPLICATION_PLACE_ENTRIES_MAX,
  APPLICATIONS_ENTRIES_MAX,
  APPLICATIONS_MEASURE_MS,
} from '../../../common/limits.ts';
import type { RuleWalk, WalkState } from '../../catalogue/rule-walk.ts';
import type { System } from '../base/system.ts';
import type { Size } from './schema.ts';

/** Adds up what the rules take of folders, within limits of items and of time for all of them together. */
export class Sizer {
  readonly #system: System;
  readonly #walk: RuleWalk;
  readonly #nowMs: () => number;
  readonly #endMs: number;
  #left = APPLICATIONS_ENTRIES_MAX;

  constructor(system: System, walk: RuleWalk, nowMs: () => number) {
    this.#system = system;
    this.#walk = walk;
    this.#nowMs = nowMs;
    this.#endMs = nowMs() + APPLICATIONS_MEASURE_MS;
  }

  sizeOf(path: string): Size {
    const size = { bytes: 0, files: 0, at_least: false };
    let left = Math.min(this.#left, APPLICATION_PLACE_ENTRIES_MAX);
    const waiting: { readonly path: string; readonly state: WalkState }[] = [
      { path, state: this.#walk.at(Buffer.from(path)) },
    ];
    for (let item = waiting.pop(); item; item = waiting.pop()) {
      if (!item.state.mayHoldTaken) continue;
      if (left === 0 || this.#nowMs() > this.#endMs) {
        size.at_least = true;
        break;
      }
      left -= 1;
      this.#left -= 1;
      const facts = this.#system.facts(item.path);
      if (facts?.kind === 'folder') {
        for (const name of this.#system.list(item.path)) {
          const bytes = Buffer.from(name, 'utf8').toString('latin1');
          waiting.push({ path: `${item.path}/${name}`, state: this.#walk.enter(item.state, bytes) });
        }
      } else if (facts && item.state.isTaken) {
        size.files += 1;
        size.bytes += facts.sizeBytes;
      }
    }
    return size;
  }
}
