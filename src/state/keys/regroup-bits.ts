/**
 * The same bits in groups of another width: bytes as digits of 5 bits, or back. The last group is filled up with zeros;
 * what would be fill only is left out.
 */
export function regroupBits(groups: Iterable<number>, fromBits: number, toBits: number, fill: boolean): number[] {
  const out: number[] = [];
  let held = 0;
  let bits = 0;
  for (const group of groups) {
    held = (held << fromBits) | group;
    bits += fromBits;
    while (bits >= toBits) {
      bits -= toBits;
      out.push(held >> bits);
      held &= (1 << bits) - 1;
    }
  }
  if (fill && bits > 0) out.push(held << (toBits - bits));
  return out;
}
