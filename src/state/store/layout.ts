import { join } from 'node:path';
import { ResettleError } from '../../common/errors.ts';
import { type PackId, packId, peerIdText, type StateId, stateId } from '../../common/ids.ts';
import type { KeyName } from './types.ts';

const KEY_WORDS = new Set<string>(['recovery', 'code', 'passphrase']);

/** Whether a name can be that of a key file. */
export function isKeyName(name: string): name is KeyName {
  if (KEY_WORDS.has(name)) return true;
  try {
    return peerIdText(name) === name;
  } catch {
    return false;
  }
}

const ID = /^[0-9a-f]{64}$/;

/** Whether a name can be that of a state's folder. */
export const isStateName = (name: string): boolean => ID.test(name);

/** Whether a name can be that of a pack. */
export const isPackName = (name: string): boolean => ID.test(name);

/** The paths of a store. Ids and names are checked here, before any path is made of them. */
export class Layout {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  get marker(): string {
    return join(this.dir, 'resettle.json');
  }

  get tmp(): string {
    return join(this.dir, 'tmp');
  }

  get states(): string {
    return join(this.dir, 'states');
  }

  get pointFile(): string {
    return join(this.dir, 'point.json');
  }

  state(id: StateId): string {
    return join(this.states, stateId(id));
  }

  info(id: StateId): string {
    return join(this.state(id), 'state.json');
  }

  keys(id: StateId): string {
    return join(this.state(id), 'keys');
  }

  key(id: StateId, name: KeyName): string {
    return join(this.keys(id), `${KEY_WORDS.has(name) ? name : peerIdText(name)}.age`);
  }

  snapshots(id: StateId): string {
    return join(this.state(id), 'snapshots');
  }

  snapshot(id: StateId, snapshot: number): string {
    if (!Number.isSafeInteger(snapshot) || snapshot < 1) {
      throw new ResettleError('usage', `not the number of a snapshot: ${snapshot}`);
    }
    return join(this.snapshots(id), String(snapshot));
  }

  packs(id: StateId): string {
    return join(this.state(id), 'packs');
  }

  packFolder(id: StateId, pack: PackId): string {
    return join(this.packs(id), packId(pack).slice(0, 2));
  }

  /** Packs and descriptors that were found damaged: never given to anybody, kept until whole ones are there. */
  damaged(id: StateId): string {
    return join(this.state(id), 'damaged');
  }

  damagedPack(id: StateId, pack: PackId): string {
    return join(this.damaged(id), packId(pack));
  }

  pack(id: StateId, pack: PackId): string {
    return join(this.packFolder(id, pack), pack);
  }
}
