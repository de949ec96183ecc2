import { readFileSync } from 'node:fs';
import { asBuffer } from '../../common/bytes.ts';
import { NAME_MAX_BYTES } from '../../common/limits.ts';
import { digest } from '../format/digest.ts';

export interface OwnerNames {
  readonly users: ReadonlyMap<number, Uint8Array>;
  readonly groups: ReadonlyMap<number, Uint8Array>;
}

/** Local names of users and groups, as bytes. None where the files cannot be read: the numbers are what counts. */
export function readOwnerNames(etc = '/etc'): OwnerNames {
  return { users: namesIn(`${etc}/passwd`), groups: namesIn(`${etc}/group`) };
}

function namesIn(file: string): Map<number, Uint8Array> {
  const names = new Map<number, Uint8Array>();
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return names;
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':');
    if (!name || !id || !/^\d{1,10}$/.test(id) || name.length > NAME_MAX_BYTES) continue;
    if (!names.has(Number(id))) names.set(Number(id), Buffer.from(name, 'latin1'));
  }
  return names;
}

/** Tells whether the names are those of another time. */
export function digestOfNames({ users, groups }: OwnerNames): Uint8Array {
  const list = (names: ReadonlyMap<number, Uint8Array>) =>
    [...names].map(([id, name]) => `${id}:${asBuffer(name).toString('hex')}`).join(',');
  return digest(Buffer.from(`${list(users)};${list(groups)}`));
}
