/**
 * By hand: every hostile state given to the real program, each command in a process of its own: restore, verify, ls, export
 * and, where it came to something, undo. `npm run test:states [-- PART-OF-A-NAME]`. Ends with 1 where one is other than it must be.
 */
import assert from 'node:assert/strict';
import { ResettleError } from '../../../src/common/errors.ts';
import { identity } from '../../state/support/source-machine.ts';
import { BOMBS } from './cases/bombs.ts';
import { EXISTING } from './cases/existing.ts';
import { LINKS } from './cases/links.ts';
import { METADATA } from './cases/metadata.ts';
import { NAMES } from './cases/names.ts';
import { PACKS } from './cases/packs.ts';
import { STRUCTURE } from './cases/structure.ts';
import { Forging } from './support/forging.ts';
import { Guard, type Scene } from './support/guard.ts';
import type { HostileState } from './support/hostile-state.ts';
import { isForUs } from './support/is-for-us.ts';
import { Bench, type Measured } from './support/real-process.ts';
import { inScene, MEMORY_MAX_BYTES } from './support/run-state.ts';

const part = process.argv[2] ?? '';
const bench = new Bench();
let peak = 0;
let commands = 0;

/** Whatever it is given, a command ends by itself, with a status of ours, and within its memory. */
async function run(allowed: readonly number[], ...args: string[]): Promise<Measured> {
  const ended = await bench.run(...args);
  commands += 1;
  peak = Math.max(peak, ended.peakBytes);
  const said = `${args.slice(0, 2).join(' ')}: ${ended.stdout.slice(-600)} ${ended.stderr.slice(-600)}`;
  assert.equal(ended.signal, null, said);
  assert.ok(allowed.includes(ended.status!), `status ${ended.status}; ${said}`);
  assert.ok(ended.peakBytes < MEMORY_MAX_BYTES, `${Math.round(ended.peakBytes / 2 ** 20)} MiB; ${said}`);
  return ended;
}

/** The statuses that a restore of it may end with. */
function statusesOf({ must }: HostileState): readonly number[] {
  if ('refused' in must) return [new ResettleError(must.refused, '').exitCode];
  return 'listed' in must ? [3] : [0, 3];
}

async function judge(state: HostileState, scene: Scene): Promise<void> {
  const snapshot = new Forging();
  state.forge(snapshot, scene);
  const signed = await snapshot.describe(state.descriptor?.(scene));
  const store = await bench.store(snapshot, state.spoil?.(signed) ?? signed);
  state.before?.(scene);
  const guard = new Guard(scene, state.shared);
  const { strip, onConflict, allowPrivileged } = state.options ?? {};
  const more = [
    ...(strip ? ['--strip'] : []),
    ...(onConflict ? ['--on-conflict', onConflict] : []),
    ...(allowPrivileged ? ['--allow-privileged'] : []),
  ];
  const from = ['--from', identity.source];
  // Of a descriptor that is another's a person is asked, or it opens with no key: it is refused one way or the other.
  const allowed = state.descriptor || state.spoil ? [2, 4, 6, 7] : statusesOf(state);
  const ended = await run(allowed, 'restore', '--store', store, '--into', scene.target, ...from, ...more);
  guard.check();
  for (const args of [
    ['verify', store],
    ['ls', store, '--snapshot', '1'],
  ])
    await run([0, 1, 4, 6, 7], 'store', ...args);
  await run([0, 1, 2, 4, 6, 7], 'store', 'export', store, '--out', `${store}.tar`, '--recipient', bench.recipient);
  guard.check();
  const id = ended.last.restore;
  if (typeof id === 'string') await run([0, 3], 'undo', id);
  guard.check();
}

async function main(): Promise<number> {
  let failures = 0;
  const tell = (name: string, error: unknown): void => {
    failures += 1;
    console.error(`NOT AS IT MUST BE: ${name}\n  ${error instanceof Error ? error.message : String(error)}`);
  };
  const states = [...NAMES, ...LINKS, ...METADATA, ...STRUCTURE, ...PACKS, ...EXISTING]
    // Single paths are asked for in another way.
    .filter((state) => isForUs(state) && !state.options?.only && !state.ofTest && state.name.includes(part));
  for (const state of states) await inScene((scene) => judge(state, scene)).catch((error) => tell(state.name, error));
  const bombs = BOMBS.filter(({ name }) => name.includes(part));
  for (const { name, forge, args, status } of bombs) {
    const snapshot = new Forging();
    const descriptor = await forge(snapshot);
    const store = await bench.store(snapshot, descriptor);
    const target = bench.path(`target of ${name.slice(0, 40)}`);
    const before = peak;
    peak = 0;
    await run([status], ...args(store, target)).catch((error) => tell(name, error));
    console.log(`${Math.round(peak / 2 ** 20)} MiB: ${name}`);
    peak = Math.max(peak, before);
  }
  const most = `${Math.round(peak / 2 ** 20)} MiB at the most`;
  console.log(
    `${states.length} states, ${bombs.length} bombs, ${commands} commands, ${most}, ${failures} not as they must be`,
  );
  return failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  bench.remove();
}
