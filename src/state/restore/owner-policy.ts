import type { Report } from '../../common/ports.ts';
import { setOwner, setOwnerOfLink } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { ReportBuilder } from '../fs/report.ts';
import { saysNotKept } from './losses.ts';

const OWNERS_NAMED_MAX = 1000;

interface Owned {
  readonly uid: number;
  readonly gid: number;
}

/** Which owners are set, and how many items belong to somebody else instead. */
export class OwnerPolicy {
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  readonly #refused = new Map<string, number>();

  get asRoot(): boolean {
    return this.#uid === 0 && process.geteuid !== undefined;
  }

  /** Hears of every item once. Without root only one's own owner and group can be set. */
  note(owned: Owned): void {
    if (!this.asRoot && !this.isOurs(owned)) this.#refuse(owned);
  }

  isOurs({ uid, gid }: Owned): boolean {
    return uid === this.#uid && gid === this.#gid;
  }

  /** Sets the owner of an open file or folder. */
  set(fd: number, owned: Owned): void {
    if (this.asRoot) this.#attempt(owned, () => setOwner(fd, owned.uid, owned.gid));
  }

  setOfItem(folder: number, name: Uint8Array, owned: Owned): void {
    if (this.asRoot) this.#attempt(owned, () => setOwnerOfLink(folder, name, owned.uid, owned.gid));
  }

  /** Whether something in place has the owner that it would be given. */
  matches(present: { uid: bigint; gid: bigint }, wanted: Owned): boolean {
    return !this.asRoot || (present.uid === BigInt(wanted.uid) && present.gid === BigInt(wanted.gid));
  }

  /** By owner, how many items could not be given to it. */
  report(): Report {
    const report = new ReportBuilder();
    for (const [owner, count] of this.#refused) {
      report.add(owner, `${count} ${count === 1 ? 'item belongs' : 'items belong'} to you instead`);
    }
    return report.report();
  }

  #attempt(owned: Owned, set: () => void): void {
    try {
      set();
    } catch (error) {
      if (!saysNotKept(codeOf(error))) throw error;
      this.#refuse(owned);
    }
  }

  #refuse({ uid, gid }: Owned): void {
    let owner = `owner ${uid}:${gid}`;
    if (!this.#refused.has(owner) && this.#refused.size >= OWNERS_NAMED_MAX) owner = 'further owners';
    this.#refused.set(owner, (this.#refused.get(owner) ?? 0) + 1);
  }
}
