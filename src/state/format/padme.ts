/**
 * The Padmé size of a length (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
 * PURBs", PETS 2019): at most 12 % longer, and it tells only O(log log L) bits of the length.
 */
export function padmeBytes(lengthBytes: number): number {
  if (lengthBytes < 2) return lengthBytes;
  const e = Math.floor(Math.log2(lengthBytes));
  const s = Math.floor(Math.log2(e)) + 1;
  const unit = 2 ** Math.max(0, e - s);
  return Math.ceil(lengthBytes / unit) * unit;
}
