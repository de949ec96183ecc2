/**
 * Named places between two steps, where a test can make the process die, stop or fail. Switched off, as always but in
 * tests, passing one is a look at a variable.
 *
 * `RESETTLE_FAILPOINT=NAME[:COUNT[:ACTION]]` arms one: at the COUNT-th time (1) that a thread passes NAME, or any
 * (`*`). ACTION: `kill` (SIGKILL, the default), `stop` (SIGSTOP), `fail` (EIO is thrown).
 * `RESETTLE_FAILPOINT_LOG=FILE` adds the name of each one that is passed to FILE.
 */
import { appendFileSync } from 'node:fs';

/** Every failpoint, and what has been done and what has not where it stands. */
export const FAILPOINTS = {
  'store.file-written': 'a file of a store is written and synced under another name, and not in its place',
  'store.file-renamed': 'a file of a store is in its place, and its folder is not synced',
} as const satisfies Record<string, string>;

export type Failpoint = keyof typeof FAILPOINTS;

const SPEC = /^(?<name>\*|[a-z-]+\.[a-z-]+)(?::(?<count>[1-9]\d{0,8})(?::(?<action>kill|stop|fail))?)?$/;
const pass = armed(process.env);

/** Marks the place. Returns at once unless a test has armed it. */
export function failpoint(name: Failpoint): void {
  if (pass !== undefined) pass(name);
}

function armed(env: NodeJS.ProcessEnv): ((name: Failpoint) => void) | undefined {
  const { RESETTLE_FAILPOINT: spec, RESETTLE_FAILPOINT_LOG: log } = env;
  if (spec === undefined && log === undefined) return undefined;
  const { name, count = '1', action = 'kill' } = spec === undefined ? {} : (SPEC.exec(spec)?.groups ?? {});
  if (spec !== undefined && (name === undefined || (name !== '*' && !(name in FAILPOINTS)))) {
    throw new Error(`RESETTLE_FAILPOINT=${spec}: there is no such failpoint`);
  }
  let left = Number(count);
  return (passed) => {
    if (log !== undefined) appendFileSync(log, `${passed}\n`);
    if (name !== '*' && name !== passed) return;
    left -= 1;
    if (left === 0) act(passed, action);
  };
}

function act(name: string, action: string): void {
  if (action === 'fail')
    throw Object.assign(new Error(`EIO: failpoint ${name}`), { code: 'EIO', syscall: 'failpoint' });
  process.kill(process.pid, action === 'stop' ? 'SIGSTOP' : 'SIGKILL');
}
