/**
 * The watchdog of a link guard: a process of its own, told a folder. Unless the link was confirmed by the deadline, or where
 * the process that rolls back died, it runs the rollback, and says in the folder's log what it did.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LINK_ROLLBACK_TIMEOUT_MS } from '../../../common/limits.ts';
import { GuardFolder, LOG } from './guard-folder.ts';

const LOOK_EVERY_MS = 100;

async function watch(path: string): Promise<void> {
  const folder = new GuardFolder(path);
  const { deadlineMs, rollback } = folder.order();
  const log = (text: string): void =>
    appendFileSync(join(path, LOG), `${new Date().toISOString()} ${text}\n`, { mode: 0o600 });
  const untilMs = performance.now() + deadlineMs;
  log('watching the link');
  folder.markReady();
  for (;;) {
    const decision = folder.decision();
    if (decision?.what === 'kept') return log('the link was kept');
    if (folder.isDone) return log('it was rolled back');
    if (decision && !decision.isAlive) {
      log('the process that rolled back has died');
      break;
    }
    if (!decision && performance.now() >= untilMs && folder.decide('rollback')) {
      log('nobody confirmed the link');
      break;
    }
    await sleep(LOOK_EVERY_MS);
  }
  const [program = '', ...args] = rollback;
  const fd = openSync(join(path, LOG), 'a', 0o600);
  const { status, signal, error } = spawnSync(program, args, {
    stdio: ['ignore', fd, fd],
    timeout: LINK_ROLLBACK_TIMEOUT_MS,
    cwd: '/',
  });
  closeSync(fd);
  folder.markDone();
  log(`the rollback ended with ${error?.message ?? signal ?? status}`);
}

// What started it may be gone, and its terminal too.
process.on('SIGHUP', () => {});
await watch(process.argv[2] ?? '');
