/** Nothing takes so long on a machine that works, however busy it is. */
const WAIT_MAX_MS = 240_000;
const LOOK_MS = 50;

/** Waits until it is so. Throws when that never comes. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`never came true: ${what}`);
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}
