/** Makes an input smaller that still does the same. */
const TRIES_MAX = 500;

export async function shrink(input: Buffer, doesIt: (input: Buffer) => Promise<boolean>): Promise<Buffer> {
  let best = input;
  let tries = 0;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && tries < TRIES_MAX; ) {
      tries += 1;
      const smaller = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (await doesIt(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
