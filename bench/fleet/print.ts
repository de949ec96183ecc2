/** How the figures of a fleet are shown: a name, then words. */
export function print(what: string, text: string): void {
  process.stdout.write(`  ${what.padEnd(18)} ${text}\n`);
}

export function ms(value: number): string {
  return value < 10_000 ? `${value.toFixed(value < 100 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function bytes(value: number): string {
  return value < 2 ** 20 ? `${(value / 1024).toFixed(1)} KiB` : `${(value / 2 ** 20).toFixed(2)} MiB`;
}

/** The least, the middle one and the most. */
export function quantiles(values: readonly number[], show: (value: number) => string): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): string => show(sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN);
  return `${at(0.5)} in the middle, ${at(0)} to ${at(1)}`;
}
