/** A restore or an undo in a process of its own, so that it can be killed. Its one argument is a file of JSON. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PackId, PeerIdText, StateId } from '../../../src/common/ids.ts';
import { type ConflictPolicy, restoreSnapshot, undoRestore } from '../../../src/state/restore/index.ts';

export interface ChildJob {
  readonly undoDir: string;
  readonly restore?: {
    readonly descriptor: string;
    readonly packs: string;
    readonly stateKey: string;
    readonly stateId: StateId;
    readonly source: PeerIdText;
    readonly target: string;
    readonly restoreId: string;
    readonly onConflict: ConflictPolicy;
  };
}

const on = { onProgress() {}, signal: new AbortController().signal };
const { undoDir, restore } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as ChildJob;
if (restore) {
  const { descriptor, packs, stateKey, stateId, source, ...others } = restore;
  await restoreSnapshot(
    {
      ...others,
      descriptor: readFileSync(descriptor),
      stateKey: Buffer.from(stateKey, 'hex'),
      expected: { stateId, source, association: undefined },
      strip: true,
      source: {
        async get(id: PackId, _size: number, into: Uint8Array) {
          into.set(readFileSync(join(packs, id)));
        },
      },
      undoDir,
    },
    on,
  );
} else {
  await undoRestore({ undoDir }, on);
}
