/**
 * What a point knows of key files. It can open none of them, and no signature covers them: so it notes the hash of each when it
 * is brought, and goes by that.
 */
import { hexOf } from '../../../../common/bytes.ts';
import type { StateId } from '../../../../common/ids.ts';
import type { KeyFile } from '../../../../protocols/point/messages.ts';
import { digest } from '../../../../state/format/index.ts';
import type { KeyName, Store } from '../../../../state/store/index.ts';
import type { KeyNote, StateInfo } from '../state-info.ts';

export const noteOf = (name: string, bytes: Uint8Array): KeyNote => ({ name, hash: hexOf(digest(bytes)) });

/** While keys are written both are right: what was there, and what comes. */
export function notesWith(info: StateInfo | undefined, fresh: readonly KeyNote[]): KeyNote[] {
  const before = (info?.keys ?? []).filter((one) => !fresh.some((note) => isSame(one, note)));
  return [...before, ...fresh];
}

/** Afterwards only what came. */
export function notesAfter(info: StateInfo | undefined, fresh: readonly KeyNote[]): KeyNote[] {
  const names = new Set(fresh.map(({ name }) => name));
  return [...(info?.keys ?? []).filter(({ name }) => !names.has(name)), ...fresh];
}

export interface KeyLook {
  /** Not as any note says, or not there. */
  readonly bad: readonly KeyName[];
  /** There, and nothing is noted of it. */
  readonly fresh: readonly KeyNote[];
}

/** Looks at every key file that is there or was noted. Keys of nobody known to a point are passed over. */
export async function lookAtKeys(store: Store, state: StateId, info: StateInfo | undefined): Promise<KeyLook> {
  const notes = info?.keys ?? [];
  const names = new Set<KeyName>([...(await store.keyNames(state)), ...notes.map(({ name }) => name as KeyName)]);
  const bad: KeyName[] = [];
  const fresh: KeyNote[] = [];
  for (const name of names) {
    // What cannot be read, or is larger than a key file, is as damaged as what is another one.
    const bytes = await store.readKey(state, name).catch(() => undefined);
    const known = notes.filter((note) => note.name === name);
    const found = bytes && noteOf(name, bytes);
    if (found && known.length === 0) fresh.push(found);
    else if (!found || !known.some((note) => isSame(note, found))) bad.push(name);
  }
  return { bad, fresh };
}

/** True also where nothing is noted of it. */
export function isAsNoted(info: StateInfo | undefined, { name, bytes }: KeyFile): boolean {
  const known = (info?.keys ?? []).filter((note) => note.name === name);
  return known.length === 0 || known.some((note) => isSame(note, noteOf(name, bytes)));
}

export const isSame = (a: KeyNote, b: KeyNote): boolean => a.name === b.name && a.hash === b.hash;
