/**
 * Whether a store is as docs/FORMAT.md says that it is at every moment. A checker of its own: of the program it imports
 * nothing. Call it while nobody writes to the store.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RecordEnvelope } from '@libp2p/peer-record';
import { blake3 } from '@napi-rs/blake-hash';
import { decode } from 'cborg';

const HEX64 = /^[0-9a-f]{64}$/;
const KEY_NAME = /^(recovery|code|passphrase|[1-9A-HJ-NP-Za-km-z]{40,60})\.age$/;
const PACK_MAX_BYTES = 16 * 1024 * 1024;
const PACK_MAGIC = 'RSTLPK01';
const KEY_MAGIC = 'age-encryption.org/v1\n';
const DOMAIN = 'resettle/1 snapshot';

/** A snapshot that a store has. */
export interface FoundSnapshot {
  readonly state: string;
  readonly snapshot: number;
  /** 64 hex digits. */
  readonly descriptorHash: string;
  /** This store has a part of its packs, as its state.json says. */
  readonly isSpread: boolean;
  readonly packs: readonly string[];
}

/**
 * What a store holds; throws the first thing that is not as it must be. `hurt`: packs that the test itself has damaged here,
 * which may be damaged or missing. `shared`: states whose key is with members in shares, not beside the packs.
 */
export async function checkStore(
  dir: string,
  hurt: ReadonlySet<string> = new Set(),
  shared: ReadonlySet<string> = new Set(),
): Promise<FoundSnapshot[]> {
  if (!existsSync(join(dir, 'resettle.json'))) {
    refuseOthers(dir, ['tmp', 'states']);
    return [];
  }
  refuseOthers(dir, ['resettle.json', 'states', 'tmp', 'point.json']);
  const marker = json(join(dir, 'resettle.json')) as { format: number; store: string };
  if (marker.format !== 1 || !HEX64.test(marker.store)) throw broken(dir, 'resettle.json is of no store');
  if (existsSync(join(dir, 'point.json'))) json(join(dir, 'point.json'));
  const found: FoundSnapshot[] = [];
  for (const state of names(join(dir, 'states')))
    found.push(...(await checkState(join(dir, 'states', state), state, hurt, shared.has(state))));
  return found;
}

async function checkState(
  dir: string,
  state: string,
  hurt: ReadonlySet<string>,
  isShared: boolean,
): Promise<FoundSnapshot[]> {
  if (!HEX64.test(state)) throw broken(dir, 'is not the name of a state');
  refuseOthers(dir, ['state.json', 'keys', 'snapshots', 'packs', 'damaged']);
  const info = existsSync(join(dir, 'state.json')) ? (json(join(dir, 'state.json')) as { spread?: Spread[] }) : {};
  const sizes = checkPacks(join(dir, 'packs'), hurt);
  const keys = names(join(dir, 'keys'));
  for (const key of keys) checkKey(join(dir, 'keys', key), key);
  for (const name of names(join(dir, 'damaged'))) {
    if (!HEX64.test(name) && !/^snapshot-\d+$/.test(name)) throw broken(dir, `damaged/${name} is nothing known`);
  }
  const found: FoundSnapshot[] = [];
  for (const name of names(join(dir, 'snapshots'))) {
    if (!/^[1-9]\d*$/.test(name)) throw broken(dir, `snapshots/${name} is not the number of a snapshot`);
    if ((keys.length === 0) !== isShared) throw broken(dir, `snapshot ${name} has ${isShared ? 'a key' : 'no key'}`);
    found.push(await checkSnapshot(dir, state, Number(name), sizes, hurt, info.spread ?? []));
  }
  return found;
}

interface Spread {
  readonly snapshot: number;
  /** A bitmap in base64; empty: all of them. */
  readonly packs: string;
}

/** The sizes of all packs, by id. */
function checkPacks(dir: string, hurt: ReadonlySet<string>): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const prefix of names(dir)) {
    for (const id of names(join(dir, prefix))) {
      const path = join(dir, prefix, id);
      if (!HEX64.test(id) || !id.startsWith(prefix) || prefix.length !== 2) throw broken(path, 'is not in its place');
      const bytes = readFileSync(path);
      sizes.set(id, bytes.length);
      if (hurt.has(id)) continue;
      if (blake3(bytes).toString('hex') !== id) throw broken(path, `is not whole: ${bytes.length} bytes`);
      if (bytes.length > PACK_MAX_BYTES || bytes.subarray(0, 8).toString('latin1') !== PACK_MAGIC) {
        throw broken(path, 'is no pack');
      }
      if (bytes.length !== padme(bytes.length)) throw broken(path, 'has not the size of a bucket');
    }
  }
  return sizes;
}

function checkKey(path: string, name: string): void {
  if (!KEY_NAME.test(name)) throw broken(path, 'is not the name of a key file');
  if (!readFileSync(path, 'latin1').startsWith(KEY_MAGIC)) throw broken(path, 'is not whole');
}

async function checkSnapshot(
  dir: string,
  state: string,
  snapshot: number,
  sizes: ReadonlyMap<string, number>,
  hurt: ReadonlySet<string>,
  spread: readonly Spread[],
): Promise<FoundSnapshot> {
  const bytes = readFileSync(join(dir, 'snapshots', `${snapshot}`));
  const shown = `${dir}, snapshot ${snapshot}`;
  const { payload } = await RecordEnvelope.openAndCertify(bytes, DOMAIN).catch((error: unknown) => {
    throw broken(shown, `is not signed: ${String(error)}`);
  });
  const fields = decode(payload, { useMaps: true }) as Map<number, unknown>;
  if (hex(fields.get(2)) !== state || fields.get(4) !== snapshot) throw broken(shown, 'is of another state or number');
  const packs = (fields.get(8) as [Uint8Array, number][]).map(([id, sizeBytes]) => ({ id: hex(id), sizeBytes }));
  const bits = Buffer.from(spread.find((one) => one.snapshot === snapshot)?.packs ?? '', 'base64');
  const own = packs.filter((_, index) => bits.length === 0 || ((bits[index >> 3] ?? 0) >> (index & 7)) & 1);
  for (const { id, sizeBytes } of own) {
    if (sizes.get(id) !== sizeBytes && !hurt.has(id)) throw broken(shown, `needs pack ${id}, which is not here`);
  }
  const ids = own.map(({ id }) => id);
  return { state, snapshot, descriptorHash: blake3(bytes).toString('hex'), isSpread: bits.length > 0, packs: ids };
}

/** FORMAT.md, Pack: the low E − S bits are rounded up to zero. */
function padme(length: number): number {
  const e = Math.floor(Math.log2(length));
  const step = 2 ** (e - (Math.floor(Math.log2(e)) + 1));
  return Math.ceil(length / step) * step;
}

function names(dir: string): string[] {
  return existsSync(dir) && statSync(dir).isDirectory() ? readdirSync(dir).sort() : [];
}

function refuseOthers(dir: string, known: readonly string[]): void {
  const other = names(dir).find((name) => !known.includes(name));
  if (other !== undefined) throw broken(dir, `holds ${other}, which is nothing known`);
}

function json(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw broken(path, `is not whole: ${String(error)}`);
  }
}

const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString('hex');
const broken = (where: string, what: string): Error => new Error(`the store is broken: ${where} ${what}`);
