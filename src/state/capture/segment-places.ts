/** Where each segment of a capture went, 8 bytes a segment: by its number, the pack's index and the frame. */
export class SegmentPlaces {
  #places = new Uint32Array(1024);

  set(segment: number, pack: number, frame: number): void {
    while (segment * 2 >= this.#places.length) {
      const larger = new Uint32Array(this.#places.length * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[segment * 2] = pack;
    this.#places[segment * 2 + 1] = frame;
  }

  packOf(segment: number): number {
    return this.#places[segment * 2]!;
  }

  frameOf(segment: number): number {
    return this.#places[segment * 2 + 1]!;
  }
}
