/** A second process swaps folders of the target for links, thousands of times, while a restore and its undo are at work there. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ResettleError } from '../../../src/common/errors.ts';
import { restoreSnapshot, undoRestore } from '../../../src/state/restore/index.ts';
import { file, folder, hardlink, special, symlink } from '../../state/support/forge.ts';
import { identity, on } from '../../state/support/source-machine.ts';
import { Forging } from './support/forging.ts';
import { Guard, type Scene } from './support/guard.ts';
import { inScene } from './support/run-state.ts';

const SWAPPER = fileURLToPath(new URL('./support/swap-links.ts', import.meta.url));
const FOLDERS = ['a', 'b', 'c'];
const FILES = 200;
/** Swaps while one restore and one undo are at work, at least. */
const SWAPS_MIN = 1000;

/** Folders of files, each with links, second names and FIFOs between them: every call that a restore makes. */
function snapshotOf(): Forging {
  const snapshot = new Forging();
  const name = (index: number, end: string): string => `${index}`.padStart(4, '0') + end;
  snapshot.blocks([
    { path: [], entries: [folder('r')] },
    { path: ['r'], entries: FOLDERS.map((one) => folder(one, { mode: 0o711, uid: 12, gid: 12 })) },
    ...FOLDERS.map((one, at) => ({
      path: ['r', one],
      entries: Array.from({ length: FILES }, (_, index) => {
        if (index % 10 === 7) return symlink(name(index, 'l'), '/etc/passwd');
        if (index % 10 === 8) return hardlink(name(index, 'h'), at * FILES + index - 7);
        if (index % 10 === 9) return special(name(index, 'p'), 'fifo');
        return file(name(index, 'f'), { mode: 0o4777, uid: 12, group: index % 10 === 1 ? at * FILES + index : 0 });
      }),
    })),
  ]);
  return snapshot;
}

async function whileSwapping<T>(
  { target, outside }: Scene,
  work: () => Promise<T>,
): Promise<{ result: T; swaps: number }> {
  const folders = FOLDERS.map((one) => join(target, 'r', one));
  const swapper = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SWAPPER, outside, ...folders], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let said = '';
  swapper.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (!said.includes('begun')) await once(swapper.stdout, 'data');
  const result = await work();
  swapper.stdin.end();
  await ended(swapper);
  return { result, swaps: Number(said.split('\n')[1]) };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null) await once(child, 'close');
}

for (const onConflict of ['keep-both', 'replace'] as const) {
  test(`hostile: folders that become links while a restore is at work, under ${onConflict}`, () =>
    inScene(async (scene) => {
      for (const one of FOLDERS) mkdirSync(join(scene.target, 'r', one), { recursive: true });
      mkdirSync(scene.undoDir);
      const snapshot = snapshotOf();
      const descriptor = await snapshot.describe();
      const { source, stateId, stateKey } = identity;
      const guard = new Guard(scene);
      const restore = () =>
        restoreSnapshot(
          {
            ...{ descriptor, stateKey, target: scene.target, strip: false, source: snapshot.packs, restoreId: 'test' },
            ...{ expected: { stateId, source, association: undefined }, undoDir: scene.undoDir, onConflict },
          },
          on(),
        );
      const restored = await whileSwapping(scene, () => restore().catch((error: unknown) => error));
      guard.check();
      // It may give up, in words of ours: what it stood on was taken away.
      if (restored.result instanceof Error)
        assert.ok(restored.result instanceof ResettleError, String(restored.result));
      const undone = await whileSwapping(scene, () =>
        undoRestore({ undoDir: scene.undoDir }, on()).catch((error: unknown) => error),
      );
      guard.check();
      if (undone.result instanceof Error) assert.ok(undone.result instanceof ResettleError, String(undone.result));
      const swaps = restored.swaps + undone.swaps;
      assert.ok(swaps >= SWAPS_MIN, `only ${swaps} swaps`);
    }));
}
