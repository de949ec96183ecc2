/** Numbers the link groups that were captured, from 1 in the order of their files; 4 bytes a group of the plan. */
export class GroupNumbers {
  #numbers = new Uint32Array(1024);
  #count = 0;

  /** The number of the plan's group, or 0 while no file of it was captured. */
  get(planned: number): number {
    return this.#numbers[planned] ?? 0;
  }

  give(planned: number): number {
    while (planned >= this.#numbers.length) {
      const larger = new Uint32Array(this.#numbers.length * 2);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    this.#count += 1;
    this.#numbers[planned] = this.#count;
    return this.#count;
  }
}
