/** Where each segment of a capture went, 9 bytes a segment: by its number, the pack's index and the frame. */
export class SegmentPlaces {
  #places = new Uint32Array(1024);
  #sealed = new Uint8Array(512);

  set(segment: number, pack: number, frame: number): void {
    while (segment * 2 >= this.#places.length) {
      const larger = new Uint32Array(this.#places.length * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    if (segment >= this.#sealed.length) {
      const larger = new Uint8Array(this.#places.length / 2);
      larger.set(this.#sealed);
      this.#sealed = larger;
    }
    this.#sealed[segment] = 1;
    this.#places[segment * 2] = pack;
    this.#places[segment * 2 + 1] = frame;
  }

  /** Whether that segment was sealed. */
  has(segment: number): boolean {
    return this.#sealed[segment] === 1;
  }

  packOf(segment: number): number {
    return this.#places[segment * 2]!;
  }

  frameOf(segment: number): number {
    return this.#places[segment * 2 + 1]!;
  }
}
