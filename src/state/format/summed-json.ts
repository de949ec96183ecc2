import { digest } from './digest.ts';

const SUM = ',"sum":"';
const SUM_DIGITS = 32;
const END = '"}';

/** An object as JSON on one line, with a sum of it as its last key: a bit that flips on the disk shows when it is read. */
export function toSummedJson(value: object): string {
  const text = JSON.stringify(value).slice(0, -1);
  return `${text}${SUM}${sumOf(text)}${END}`;
}

/** Throws where it is not what was written. What was written before there were sums is taken as it is. */
export function fromSummedJson(text: string): unknown {
  const whole = text.trimEnd();
  const at = whole.length - SUM_DIGITS - SUM.length - END.length;
  const value = JSON.parse(whole) as { sum?: unknown } | null;
  if (typeof value !== 'object' || value === null || !('sum' in value)) return value;
  if (!whole.startsWith(SUM, at) || sumOf(whole.slice(0, at)) !== value.sum) throw new Error('its sum is another one');
  const { sum: _, ...rest } = value;
  return rest;
}

function sumOf(text: string): string {
  return digest(Buffer.from(text)).toString('hex').slice(0, SUM_DIGITS);
}
