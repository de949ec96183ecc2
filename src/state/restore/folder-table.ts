import type { Metadata } from '../format/index.ts';

const FLAG_CAPTURED = 1;
const FLAG_BASE = 2;

/** Every folder of a restore by its number, parents first, in typed arrays: about 50 bytes a folder. */
export class FolderTable {
  count = 0;
  #capacity = 1024;
  #parents = new Uint32Array(1024);
  #modes = new Uint16Array(1024);
  #uids = new Uint32Array(1024);
  #gids = new Uint32Array(1024);
  #times = new BigInt64Array(1024);
  #flags = new Uint8Array(1024);
  #nameEnds = new Uint32Array(1024);
  #names = Buffer.allocUnsafeSlow(16 * 1024);
  #lastNumber = -1;
  #lastPath: Uint8Array[] = [];

  /** `metadata` is undefined above what was captured; `isBase` for a folder that is the target itself. */
  add(parent: number, name: Uint8Array, metadata: Metadata | undefined, isBase: boolean): number {
    const number = this.count++;
    if (number === this.#capacity) this.#grow();
    const start = number === 0 ? 0 : this.#nameEnds[number - 1]!;
    const end = start + name.length;
    if (end > this.#names.length) {
      const larger = Buffer.allocUnsafeSlow(this.#names.length * 2);
      this.#names.copy(larger);
      this.#names = larger;
    }
    this.#names.set(name, start);
    this.#nameEnds[number] = end;
    this.#parents[number] = parent;
    this.#flags[number] = (metadata ? FLAG_CAPTURED : 0) | (isBase ? FLAG_BASE : 0);
    if (metadata) {
      this.#modes[number] = metadata.mode;
      this.#uids[number] = metadata.uid;
      this.#gids[number] = metadata.gid;
      this.#times[number] = metadata.mtimeNs;
    }
    return number;
  }

  parent(number: number): number {
    return this.#parents[number]!;
  }

  isBase(number: number): boolean {
    return (this.#flags[number]! & FLAG_BASE) !== 0;
  }

  metadata(number: number): Metadata | undefined {
    if ((this.#flags[number]! & FLAG_CAPTURED) === 0) return undefined;
    return {
      mode: this.#modes[number]!,
      uid: this.#uids[number]!,
      gid: this.#gids[number]!,
      mtimeNs: this.#times[number]!,
    };
  }

  name(number: number): Buffer {
    return this.#names.subarray(number === 0 ? 0 : this.#nameEnds[number - 1]!, this.#nameEnds[number]!);
  }

  /** The names from the target to that folder. */
  path(number: number): readonly Uint8Array[] {
    if (number === this.#lastNumber) return this.#lastPath;
    const path: Uint8Array[] = [];
    for (let at = number; !this.isBase(at); at = this.parent(at)) path.push(Buffer.from(this.name(at)));
    this.#lastNumber = number;
    this.#lastPath = path.reverse();
    return this.#lastPath;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <A extends Uint8Array | Uint16Array | Uint32Array | BigInt64Array>(larger: A, old: A): A => {
      (larger as { set(from: A): void }).set(old);
      return larger;
    };
    this.#parents = grown(new Uint32Array(this.#capacity), this.#parents);
    this.#modes = grown(new Uint16Array(this.#capacity), this.#modes);
    this.#uids = grown(new Uint32Array(this.#capacity), this.#uids);
    this.#gids = grown(new Uint32Array(this.#capacity), this.#gids);
    this.#times = grown(new BigInt64Array(this.#capacity), this.#times);
    this.#flags = grown(new Uint8Array(this.#capacity), this.#flags);
    this.#nameEnds = grown(new Uint32Array(this.#capacity), this.#nameEnds);
  }
}
