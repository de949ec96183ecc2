import type { Report } from '../../common/ports.ts';
import type { Metadata } from '../format/index.ts';
import { setOwner, setOwnerOfLink } from '../fs/calls.ts';
import { codeOf } from '../fs/errno.ts';
import { ReportBuilder } from '../fs/report.ts';

const SET_ID_BITS = 0o6000;
const OWNERS_NAMED_MAX = 1000;

interface Owned {
  readonly uid: number;
  readonly gid: number;
}

/** Which owners and modes are set, and a report of what was withheld. */
export class OwnerPolicy {
  readonly #uid = process.geteuid?.() ?? 0;
  readonly #gid = process.getegid?.() ?? 0;
  readonly #report = new ReportBuilder();
  readonly #refused = new Map<string, number>();

  get asRoot(): boolean {
    return this.#uid === 0;
  }

  /** A file's mode without setuid and setgid: what they would do on this machine is for a person to decide. */
  fileMode(mode: number): number {
    return mode & ~SET_ID_BITS;
  }

  /** Hears of every file once. */
  noteFile(shownPath: () => string, mode: number): void {
    if ((mode & SET_ID_BITS) === 0) return;
    const bits = [mode & 0o4000 ? 'setuid' : '', mode & 0o2000 ? 'setgid' : ''].filter(Boolean).join(' and ');
    this.#report.add(shownPath(), `restored without ${bits}`);
  }

  withhold(shownPath: string, reason: string): void {
    this.#report.add(shownPath, reason);
  }

  /** Hears of every item once. Without root only one's own owner and group can be set. */
  noteOwner(owned: Owned): void {
    if (!this.asRoot && !this.isOurs(owned)) this.#refuse(owned);
  }

  isOurs({ uid, gid }: Owned): boolean {
    return uid === this.#uid && gid === this.#gid;
  }

  /** Sets the owner of something new, whose owner we are. */
  setOwner(fd: number, owned: Owned): void {
    if (!this.asRoot) return;
    this.#attempt(owned, () => setOwner(fd, owned.uid, owned.gid));
  }

  setOwnerOfLink(folder: number, name: Uint8Array, owned: Owned): void {
    if (!this.asRoot || this.isOurs(owned)) return;
    this.#attempt(owned, () => setOwnerOfLink(folder, name, owned.uid, owned.gid));
  }

  /** Whether a file in place has the owner that it would be given. */
  matches(present: { uid: bigint; gid: bigint }, wanted: Metadata): boolean {
    return !this.asRoot || (present.uid === BigInt(wanted.uid) && present.gid === BigInt(wanted.gid));
  }

  report(): Report {
    for (const [owner, count] of this.#refused) {
      this.#report.add(owner, `${count} ${count === 1 ? 'item belongs' : 'items belong'} to you instead`);
    }
    this.#refused.clear();
    return this.#report.report();
  }

  #attempt(owned: Owned, set: () => void): void {
    try {
      set();
    } catch (error) {
      if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'EINVAL') throw error;
      this.#refuse(owned);
    }
  }

  #refuse({ uid, gid }: Owned): void {
    let owner = `owner ${uid}:${gid}`;
    if (!this.#refused.has(owner) && this.#refused.size >= OWNERS_NAMED_MAX) owner = 'further owners';
    this.#refused.set(owner, (this.#refused.get(owner) ?? 0) + 1);
  }
}
