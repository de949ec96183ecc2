import type { PeerIdText, StateId } from '../../../common/ids.ts';
import type { Emit } from '../../events.ts';
import { type Applied, applySnapshot, type RestoreWish } from '../destination/apply.ts';
import type { Wanted } from '../destination/find-state.ts';
import type { FolderOptions } from './capture.ts';
import { chooseState, signerOf } from './choose-state.ts';
import { diskSource, onDisk, openFolderStore } from './disk.ts';
import type { Secrets } from './open-key.ts';

export interface FolderRestoreRequest extends Wanted, Secrets, RestoreWish {
  /** Absolute: the store. */
  readonly dir: string;
}

export interface FolderRestoreDone extends Applied {
  readonly state: StateId;
  readonly snapshot: number;
  readonly store: string;
  readonly storeId: string;
  /** Who signed the snapshot. */
  readonly machine: PeerIdText;
  readonly machineName: string;
  readonly capturedAt: string;
}

const KEY_SHOWN = {
  passphrase: 'the passphrase',
  recovery: "the fleet's recovery key",
  source: 'the key that this machine kept',
  machine: "this machine's key",
};

/** Restores from a store in a folder, which is only read. Needs no network. */
export async function restoreFromFolder(
  options: FolderOptions,
  request: FolderRestoreRequest,
  emit: Emit,
  signal: AbortSignal,
): Promise<FolderRestoreDone> {
  const { fleet } = options;
  const store = await openFolderStore(request.dir, { readOnly: true });
  try {
    const chosen = await onDisk(store.dir, chooseState(store, options, request, request));
    const { header, details, key, descriptor } = chosen;
    const capturedAt = new Date(Number(details.capturedAtNs / 1_000_000n)).toISOString();
    const roster = fleet.log.roster();
    const machineName = roster.members.get(header.source)?.name ?? details.machineName;
    emit({
      event: 'note',
      message:
        `snapshot ${header.snapshot} of ${machineName}, captured ${capturedAt}, ` +
        `signed by ${signerOf(chosen, roster, fleet.identity.peerId)}, opened by ${KEY_SHOWN[key.by]}`,
    });
    const applied = await applySnapshot(
      options,
      {
        descriptor,
        stateKey: key.key,
        expected: { stateId: header.stateId, source: header.source, association: header.association },
        source: diskSource(store, header.stateId),
      },
      request,
      emit,
      signal,
    );
    return {
      ...applied,
      state: header.stateId,
      snapshot: header.snapshot,
      store: store.dir,
      storeId: store.id,
      machine: header.source,
      machineName,
      capturedAt,
    };
  } finally {
    await store.close();
  }
}
