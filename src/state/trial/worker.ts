import { parentPort } from 'node:worker_threads';
import { asBuffer, hexOf } from '../../common/bytes.ts';
import { ResettleError } from '../../common/errors.ts';
import type { StateId } from '../../common/ids.ts';
import { damaged } from '../format/damaged.ts';
import {
  digest,
  keyCheckValue,
  openDescriptor,
  openSealedPart,
  type PackReference,
  readPack,
  type SnapshotHeader,
  unwrapStateKey,
} from '../format/index.ts';
import { toThreadError } from '../threads/thread-error.ts';
import type { FromTrialWorker, ToTrialWorker, TrialSnapshot } from './messages.ts';

const port = parentPort!;
let open: { readonly key: Uint8Array; readonly state: StateId } | undefined;

function differsFrom({ expected }: TrialSnapshot, header: SnapshotHeader): boolean {
  return (
    header.stateId !== expected.state ||
    header.source !== expected.source ||
    header.association !== expected.association ||
    header.snapshot !== expected.snapshot ||
    hexOf(header.descriptorHash) !== expected.descriptorHash
  );
}

/** As a restore would: who signed it, then the key, then what is sealed with it. */
async function openSnapshot(snapshot: TrialSnapshot): Promise<PackReference[]> {
  open = undefined;
  const header = await openDescriptor(snapshot.descriptor);
  if (differsFrom(snapshot, header)) {
    throw new ResettleError('refused', 'that is not the snapshot that its source says it committed');
  }
  const key = await unwrapStateKey(snapshot.keyFile, snapshot.ageIdentity);
  if (!keyCheckValue(key, header.stateId).equals(asBuffer(header.keyCheck))) {
    throw new ResettleError('refused', 'the key file does not hold the key of this state');
  }
  const { parts } = openSealedPart(header, key);
  const manifestHash = digest(Buffer.concat(parts.map((part) => part.hash)));
  if (!manifestHash.equals(asBuffer(header.manifestHash))) throw damaged('the manifest is not the one that was signed');
  open = { key, state: header.stateId };
  const { packs } = header;
  const drawn = new Set(packs.length === 0 ? [] : snapshot.draws.map((draw) => draw % packs.length));
  return [...drawn].map((index) => packs[index]!);
}

/** Every frame of the pack opens, and there is nothing else in it. */
function openPack(bytes: Uint8Array): number {
  if (!open) throw new Error('a pack before its snapshot');
  let frames = 0;
  for (const frame of readPack(bytes, open.key, open.state)) {
    frame.plain();
    frames += 1;
  }
  return frames;
}

async function perform(message: ToTrialWorker): Promise<FromTrialWorker> {
  if (message.type === 'snapshot') return { type: 'drawn', packs: await openSnapshot(message.snapshot) };
  const { sizeBytes, buffer } = message;
  return { type: 'opened', frames: openPack(new Uint8Array(buffer, 0, sizeBytes)), buffer };
}

port.on('message', (message: ToTrialWorker | { readonly type: 'stop' }) => {
  if (message.type === 'stop') {
    port.close();
    return;
  }
  const back = message.type === 'pack' ? { buffer: message.buffer } : {};
  void perform(message)
    .catch((error: unknown): FromTrialWorker => ({ type: 'no', error: toThreadError(error), ...back }))
    .then((answer) => {
      const buffer = 'buffer' in answer ? answer.buffer : undefined;
      port.postMessage(answer, buffer ? [buffer] : []);
    });
});
