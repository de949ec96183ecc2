/** Which link groups have been seen: a bit each, 8 MiB at the most (LINK_GROUPS_MAX). */
export class GroupMarks {
  #bits = new Uint8Array(1024);

  has(group: number): boolean {
    return ((this.#bits[group >> 3] ?? 0) & (1 << (group & 7))) !== 0;
  }

  /** False where it was there already. */
  add(group: number): boolean {
    if (this.has(group)) return false;
    const at = group >> 3;
    if (at >= this.#bits.length) {
      const larger = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
      larger.set(this.#bits);
      this.#bits = larger;
    }
    this.#bits[at]! |= 1 << (group & 7);
    return true;
  }
}
