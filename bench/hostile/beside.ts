/** What runs beside a transfer: nothing, a flood, or burners of equal use. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { cpuSecondsOf } from '../processes.ts';
import type { FromFlooder, Orders, ToFlooder } from './flooder.ts';

/** Something beside a transfer. */
export interface Beside {
  begin(): void;
  /** Seconds of CPU that it has used so far. */
  cpuSeconds(): number;
  /** Returns how many messages it has sent. */
  end(): Promise<number>;
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const nothing: Beside = { begin() {}, cpuSeconds: () => 0, end: async () => 0 };

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const used = (children: readonly ChildProcess[]): number =>
  children.reduce((sum, { pid }) => sum + cpuSecondsOf(pid!).own, 0);

/** Settles when it is ready to begin. */
export async function hostile(orders: Orders): Promise<Beside> {
  const child = fork(file('flooder.ts'));
  const say = (message: ToFlooder): boolean => child.send(message);
  const heard = async (): Promise<FromFlooder> =>
    (await Promise.race([
      once(child, 'message').then(([message]) => message as FromFlooder),
      once(child, 'exit').then(() => Promise.reject(new Error(`the flood of ${orders.flood} has ended by itself`))),
    ])) as FromFlooder;
  say({ orders });
  await heard();
  return {
    begin: () => void say('go'),
    cpuSeconds: () => used([child]),
    async end() {
      say('stop');
      const last = await heard();
      await kill(child);
      return last === 'ready' ? 0 : last.sent;
    },
  };
}

/** As many processes as a flood keeps busy: itself, the point, and both ends of the transfer. On a busy machine each has its turn. */
const BURNERS = 4;

/** @param rate CPU seconds a second, of all of them together */
export async function burners(rate: number): Promise<Beside> {
  const share = String(Math.min(1, rate / BURNERS));
  const children = Array.from({ length: BURNERS }, () => fork(file('burner.ts'), [share]));
  await Promise.all(children.map((child) => once(child, 'message')));
  return {
    begin() {
      for (const child of children) child.send('go');
    },
    cpuSeconds: () => used(children),
    async end() {
      await Promise.all(children.map(kill));
      return 0;
    },
  };
}
