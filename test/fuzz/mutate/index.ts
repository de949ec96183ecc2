/** One input from another: by what its format is, and by what no format expects. */
import type { Random } from '../../faults/scenario.ts';
import type { Target } from '../target.ts';
import { mutateBytes } from './bytes.ts';
import { mutateCbor } from './cbor.ts';
import { mutateJson } from './json.ts';
import { mutateProtobuf } from './protobuf.ts';
import { mutateText } from './text.ts';

/** Inputs are cut to this, so that a run stays quick: larger ones are for tests of limits. */
const INPUT_MAX_BYTES = 256 * 1024;

/** What is inside a field of bytes: perhaps CBOR, perhaps a message. */
function mutateInside(bytes: Buffer, random: Random): Buffer {
  const which = random.integer(3);
  const inner = which === 0 ? mutateCbor(bytes, random) : undefined;
  if (which === 2) return mutateBytes(bytes, random, bytes);
  return (
    inner ?? mutateProtobuf(bytes, random, (value) => mutateInside(value, random)) ?? mutateBytes(bytes, random, bytes)
  );
}

function mutateByShape(of: Pick<Target, 'shape' | 'words'>, bytes: Buffer, random: Random): Buffer | undefined {
  switch (of.shape) {
    case 'cbor':
      return mutateCbor(bytes, random);
    case 'protobuf':
      return mutateProtobuf(bytes, random, (value) => mutateInside(value, random));
    case 'json':
      return mutateJson(bytes, random, of.words ?? []);
    case 'yaml':
    case 'lines':
    case 'words':
      return mutateText(bytes, random, of.words ?? []);
    case 'bytes':
      return undefined;
  }
}

/** One to a few changes, most of them by shape. */
export function mutate(
  of: Pick<Target, 'shape' | 'words'>,
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
): Buffer {
  let bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  for (let left = 1 + Math.min(random.integer(4), random.integer(4)); left > 0; left--) {
    const shaped = random.integer(10) < 7 ? mutateByShape(of, bytes, random) : undefined;
    bytes = (shaped ?? mutateBytes(bytes, random, other)) as Buffer<ArrayBuffer>;
  }
  // A copy: what a decoder does to its input must not change the one that this came from.
  return Buffer.from(bytes.subarray(0, INPUT_MAX_BYTES));
}
