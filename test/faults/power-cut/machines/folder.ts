/** A machine that captures to a store on another disk, again and again, is interrupted, and prunes. Arguments: its folder. */
import { join } from 'node:path';
import { pruneStore } from '../../../../src/api/store-service.ts';
import { systemClock } from '../../../../src/common/clock.ts';
import { command, say } from '../service.ts';
import { copyTree } from '../trees.ts';

const dir = process.argv[2]!;
const home = join(dir, 'home');
const store = join(dir, 'disk', 'store');
const tree = join(dir, 'tree');

const { peerId } = await command(home, 'fleetInit', { name: 'office' });
say({ founded: peerId });
const request = { paths: [tree], dir: store, for: String(peerId) };

async function capture(): Promise<void> {
  const done = await command(home, 'captureFolder', request);
  say({ captured: done.snapshot });
}

/** Ends a capture when so many of its events were told. */
async function interrupted(events: number): Promise<void> {
  const stop = new AbortController();
  let left = events;
  const onEvent = (): void => {
    left -= 1;
    if (left === 0) stop.abort(new Error('interrupted'));
  };
  await command(home, 'captureFolder', request, { signal: stop.signal, onEvent }).then(
    (done) => say({ captured: done.snapshot }),
    () => {},
  );
}

copyTree(join(dir, 'tree-1'), tree);
say({ tree: 1 });
await capture();
copyTree(join(dir, 'tree-2'), tree);
say({ tree: 2 });
await interrupted(4);
await capture();
copyTree(join(dir, 'tree-3'), tree);
say({ tree: 3 });
await capture();
say({ pruning: 1 });
const ground = { homeDir: home, clock: systemClock, signal: new AbortController().signal, emit() {} };
await pruneStore(ground, { dir: store, retention: { last: 1 }, dryRun: false });
say({ pruned: 1 });
