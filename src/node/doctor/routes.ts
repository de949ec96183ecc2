/** Reads the default routes from Linux's /proc/net/route. */

const UP = 0x1;
const REJECT = 0x200;
const LINES_MAX = 10_000;

/** Names of the interfaces that default routes leave by. Lines that are not understood are left out. */
export function readDefaultRoutes(text: string): string[] {
  const names: string[] = [];
  for (const line of text.split('\n', LINES_MAX).slice(1)) {
    const [name, destination, , flags, , , , mask] = line.trim().split(/\s+/);
    if (name === undefined || destination !== '00000000') continue;
    // Two halves of the internet are how some VPNs make a default route that is stronger than the real one.
    if (mask !== '00000000' && mask !== '00000080') continue;
    const bits = Number.parseInt(flags ?? '0', 16);
    if ((bits & UP) !== 0 && (bits & REJECT) === 0) names.push(name);
  }
  return names;
}
