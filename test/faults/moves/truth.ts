/** What points really hold, by a look at their folders: no agent is asked. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hexOf } from '../../../src/common/bytes.ts';
import type { StateId } from '../../../src/common/ids.ts';
import {
  digest,
  keyCheckValue,
  openDescriptor,
  readPack,
  type SnapshotHeader,
} from '../../../src/state/format/index.ts';

/** A snapshot as a store has it. */
interface Found {
  readonly header: SnapshotHeader;
  /** Every pack that it names is there, by name and size. */
  readonly whole: boolean;
}

const known = new Map<string, SnapshotHeader>();

/** The newest snapshot of a state in the store `dir`, or undefined. */
export async function foundIn(dir: string, state: string): Promise<Found | undefined> {
  const folder = join(dir, 'states', state, 'snapshots');
  const newest = namesIn(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(a) - Number(b))
    .at(-1);
  if (newest === undefined) return undefined;
  const path = join(folder, newest);
  const header = known.get(path) ?? (await openDescriptor(readFileSync(path)));
  known.set(path, header);
  return { header, whole: header.packs.every(({ id, sizeBytes }) => sizeOf(packIn(dir, state, id)) === sizeBytes) };
}

/** How many of these stores have all of the newest snapshot that any of them has; several parts together count as one. */
export async function copiesIn(dirs: readonly string[], state: string): Promise<number> {
  const found = await Promise.all(dirs.map((dir) => foundIn(dir, state)));
  const newest = Math.max(...found.map((one) => one?.header.snapshot ?? 0));
  const here = dirs.filter((_, index) => found[index]?.header.snapshot === newest);
  const wholes = here.filter((dir) => found[dirs.indexOf(dir)]!.whole);
  if (wholes.length > 0 || here.length === 0) return wholes.length;
  const { packs } = found[dirs.indexOf(here[0]!)]!.header;
  return packs.every(({ id }) => here.some((dir) => existsSync(packIn(dir, state, id)))) ? 1 : 0;
}

/**
 * Opens everything that the stores hold of a state's newest snapshot: each pack is read, hashed, and every frame of it
 * decrypted. Throws what is wrong. Returns how many bytes were opened.
 */
export async function openAll(dirs: readonly string[], state: string, stateKey: Uint8Array): Promise<number> {
  let bytes = 0;
  for (const dir of dirs) {
    const found = await foundIn(dir, state);
    if (!found) continue;
    const { keyCheck, packs } = found.header;
    if (!keyCheckValue(stateKey, state as StateId).equals(Buffer.from(keyCheck))) {
      throw new Error(`${dir}: the key that its destination can open is not the one of state ${state}`);
    }
    for (const { id, sizeBytes } of packs) {
      if (sizeOf(packIn(dir, state, id)) === undefined) continue;
      const pack = readFileSync(packIn(dir, state, id));
      if (pack.length !== sizeBytes || hexOf(digest(pack)) !== id) throw new Error(`${dir}: pack ${id} is damaged`);
      for (const frame of readPack(pack, stateKey, state as StateId)) frame.plain();
      bytes += pack.length;
    }
  }
  return bytes;
}

/** The key file of a member as the first store that has the state holds it. */
export function keyFileIn(dirs: readonly string[], state: string, peer: string): Uint8Array {
  const path = dirs.map((dir) => join(dir, 'states', state, 'keys', `${peer}.age`)).find((one) => existsSync(one));
  if (path === undefined) throw new Error(`no point has a key of state ${state} for ${peer}`);
  return readFileSync(path);
}

/** Bytes of all files below these folders, whatever comes and goes meanwhile. */
export function bytesNow(dirs: readonly string[]): number {
  let sum = 0;
  for (const dir of dirs) {
    for (const name of namesIn(dir, true)) sum += sizeOf(join(dir, name)) ?? 0;
  }
  return sum;
}

export function namesIn(dir: string, recursive = false): string[] {
  try {
    return readdirSync(dir, { recursive }) as string[];
  } catch {
    return [];
  }
}

function packIn(dir: string, state: string, id: string): string {
  return join(dir, 'states', state, 'packs', id.slice(0, 2), id);
}

function sizeOf(path: string): number | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : undefined;
}
