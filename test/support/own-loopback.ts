/** Runs the program again where nothing but itself is on the loopback interface: a flood there must not reach others' agents. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const MARK = 'RESETTLE_OWN_LOOPBACK';
const BRING_UP = 'ip link set lo up && exec "$@"';

/**
 * To be called first. In a network namespace of its own it returns; else it starts the program there, and ends with it. Needs
 * root, util-linux and iproute2; throws where one is missing.
 */
export async function onOwnLoopback(): Promise<void> {
  if (process.env[MARK] !== undefined) return;
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', ['--net', 'sh', '-c', BRING_UP, 'sh', ...program], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' },
  });
  // It ends what it has started.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  const [status] = (await once(child, 'exit')) as [number | null];
  process.exit(status ?? 1);
}
