/**
 * A machine that restores from a store over what is there already, and takes it back. Arguments: its folder, the peer id of
 * the source, what is done about conflicts, and after how many events each is interrupted once; 0 for never.
 */
import { join } from 'node:path';
import type { RequestOf } from '../../../../src/api/contract.ts';
import { command, restoring, say } from '../service.ts';

const [, , dir = '', onConflict = '', restoreEvents = '0', undoEvents = '0'] = process.argv;
const home = join(dir, 'home');
const target = join(dir, 'place', 'target');
const policy = onConflict as NonNullable<RequestOf<'restoreFolder'>['onConflict']>;

/** Does something that is interrupted once, after so many events. */
async function interrupted(
  events: number,
  work: (on: Parameters<typeof command>[3]) => Promise<unknown>,
): Promise<void> {
  const stop = new AbortController();
  let left = events;
  const onEvent = (): void => {
    left -= 1;
    if (left === 0) stop.abort(new Error('interrupted'));
  };
  if (events > 0) await work({ signal: stop.signal, onEvent }).catch(() => {});
}

const restore = (on?: Parameters<typeof command>[3]) =>
  command(home, 'restoreFolder', restoring(join(dir, 'store'), target, { onConflict: policy }), on);
await interrupted(Number(restoreEvents), restore);
const done = await restore();
say({ restored: done.restore });
say({ undoing: done.restore });
const undo = (on?: Parameters<typeof command>[3]) => command(home, 'undo', {}, on);
await interrupted(Number(undoEvents), undo);
// What was interrupted may have come to its end all the same, and is taken back, too.
let { earlier } = await undo();
while (earlier !== null) ({ earlier } = await command(home, 'undo', { restore: String(earlier) }));
say({ undone: done.restore });
