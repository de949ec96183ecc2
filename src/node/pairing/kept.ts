/**
 * Pairings that are not used up: HOME/pairings/<id>/, for this machine's eyes only. With it a broken migration goes on
 * without a code: each side proves the key that it paired with, and asks for the same session. A file that does not hold
 * together is not used.
 */

import { rmSync } from 'node:fs';
import { privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { z } from 'zod';
import { bytesOfHex, hexOf } from '../../common/bytes.ts';
import type { Clock, RandomBytes } from '../../common/clock.ts';
import { messageOf, ResettleError } from '../../common/errors.ts';
import { failpoint } from '../../common/failpoint.ts';
import { type PeerIdText, peerIdText, type StateId, stateId } from '../../common/ids.ts';
import {
  PAIRING_ABOUT_MAX_BYTES,
  PAIRING_ADDRESSES_MAX,
  PAIRING_KEPT_MS,
  USER_MAPPINGS_MAX,
} from '../../common/limits.ts';
import { isSignedByBoth } from '../../protocols/pair/statement.ts';
import type { PairingRecord } from '../../protocols/pair/types.ts';
import { AREA_NAMES, type AreaName } from '../../state/areas/base/names.ts';
import { fromSummedJson, toSummedJson } from '../../state/format/summed-json.ts';
import type { Home } from '../home/home.ts';
import { lockFolder } from './lock.ts';

/** Where and how a receiver puts what comes. */
export interface ReceiveWish {
  /** Absolute. */
  readonly into: string;
  readonly strip: boolean;
  /** It is the root of a machine. */
  readonly root: boolean;
  readonly onConflict: 'keep-both' | 'skip' | 'replace' | 'newer';
  readonly allowPrivileged: boolean;
  readonly mapUsers: readonly { readonly from: string; readonly to: string }[];
  /** Only these, where a root is restored; undefined: all that need not be asked for. */
  readonly areas?: readonly AreaName[] | undefined;
  readonly identity?: 'same' | 'new' | undefined;
}

interface KeptBase {
  readonly id: string;
  readonly madeAtMs: number;
  readonly privateKey: Ed25519PrivateKey;
  readonly record: PairingRecord;
  readonly remote: PeerIdText;
  /** What the other machine said about itself. */
  readonly remoteAbout: Uint8Array;
  /** Where it was reached last, multiaddrs without `/p2p`. */
  readonly addresses: readonly string[];
}

export interface KeptSender extends KeptBase {
  readonly role: 'sender';
  /** Absolute, as they were given. */
  readonly paths: readonly string[];
  readonly areas: readonly AreaName[];
  /** Items that areas could not take. */
  readonly notTaken: number;
  readonly state: StateId;
  readonly stateKey: Uint8Array;
  /** Where it listened. */
  readonly port: number;
}

export interface KeptReceiver extends KeptBase {
  readonly role: 'receiver';
  /** Undefined until the person has said yes. */
  readonly wish: ReceiveWish | undefined;
  /** Of HOME/restores, for `undo`. */
  readonly restoreId: string;
}

export type Kept = KeptSender | KeptReceiver;

const PAIRINGS = 'pairings';
const FILE = 'pairing.json';
const ID = /^[0-9a-f]{16}$/;
/** A clock may be set back a little meanwhile. */
const AHEAD_MAX_MS = 3_600_000;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
const address = z.string().max(256).startsWith('/');
const path = z.string().min(1).max(4096).startsWith('/');
const base = {
  version: z.literal(1),
  madeAtMs: z.number().int().nonnegative(),
  key: z.string().regex(/^[0-9a-f]{2,400}$/),
  initiator: z.string().max(64),
  responder: z.string().max(64),
  session: hex(64),
  signatures: z.strictObject({ initiator: hex(64), responder: hex(64) }),
  remoteAbout: z.string().regex(new RegExp(`^([0-9a-f]{2}){0,${PAIRING_ABOUT_MAX_BYTES}}$`)),
  addresses: z.array(address).max(PAIRING_ADDRESSES_MAX),
};
const user = z.string().min(1).max(64);
const Schema = z.discriminatedUnion('role', [
  z.strictObject({
    ...base,
    role: z.literal('sender'),
    paths: z.array(path).max(10_000),
    areas: z.array(z.enum(AREA_NAMES)).default([]),
    notTaken: z.number().int().nonnegative().default(0),
    state: hex(32),
    stateKey: hex(32),
    port: z.number().int().min(0).max(65_535),
  }),
  z.strictObject({
    ...base,
    role: z.literal('receiver'),
    wish: z
      .strictObject({
        into: path,
        strip: z.boolean(),
        root: z.boolean(),
        onConflict: z.enum(['keep-both', 'skip', 'replace', 'newer']),
        allowPrivileged: z.boolean(),
        mapUsers: z.array(z.strictObject({ from: user, to: user })).max(USER_MAPPINGS_MAX),
        areas: z.array(z.enum(AREA_NAMES)).optional(),
        identity: z.enum(['same', 'new']).optional(),
      })
      .optional(),
    restoreId: z.string().regex(/^[0-9A-Za-z-]{1,64}$/),
  }),
]);

/** One pairing's folder, held by this process until `release` or `remove`. */
export interface PairingFolder {
  readonly id: string;
  path(...names: string[]): string;
  save(kept: Kept): void;
  release(): void;
  /** Removes everything of it, its keys first. */
  remove(): void;
}

export class KeptPairings {
  readonly #home: Home;
  readonly #clock: Clock;

  constructor(home: Home, clock: Clock) {
    this.#home = home;
    this.#clock = clock;
  }

  /** A folder for a new pairing. */
  create(random: RandomBytes): PairingFolder {
    return this.hold(hexOf(random(8)));
  }

  /** Holds a folder. Throws `failed` where another process has it. */
  hold(id: string): PairingFolder {
    if (!ID.test(id)) throw new ResettleError('usage', `not the id of a pairing: ${JSON.stringify(id.slice(0, 40))}`);
    const lock = lockFolder(this.#home, [PAIRINGS, id]);
    return {
      id,
      path: (...names) => this.#home.path(PAIRINGS, id, ...names),
      save: (kept) => this.#home.write(toSummedJson(written(kept)), PAIRINGS, id, FILE),
      release: () => lock.release(),
      remove: () => {
        this.#home.remove(PAIRINGS, id, FILE);
        failpoint('pairing.keys-removed');
        lock.release();
        rmSync(this.#home.path(PAIRINGS, id), { recursive: true, force: true });
      },
    };
  }

  /** Whether it can still go on. */
  isOver({ madeAtMs }: Pick<Kept, 'madeAtMs'>): boolean {
    const age = this.#clock.now() - madeAtMs;
    return age >= PAIRING_KEPT_MS || age < -AHEAD_MAX_MS;
  }

  /** Throws `not-found`, `damaged`, and `refused` for one that is over. */
  load(id: string): Kept {
    const bytes = ID.test(id) ? this.#home.read(PAIRINGS, id, FILE) : undefined;
    if (!bytes) throw new ResettleError('not-found', `there is no pairing ${id}`, { hint: 'pair anew, by a code' });
    const kept = this.#read(id, bytes);
    if (!this.isOver(kept)) return kept;
    throw new ResettleError('refused', 'the pairing was made more than 24 hours ago', { hint: 'pair anew, by a code' });
  }

  /**
   * Those of a role that can go on, the newest first. What is over, and what a process left that died before it paired,
   * is removed; what cannot be read stays, and is told to `onProblem`.
   */
  list<R extends Kept['role']>(role: R, onProblem: (message: string) => void): Extract<Kept, { role: R }>[] {
    const found: Extract<Kept, { role: R }>[] = [];
    for (const id of this.#home.list(PAIRINGS).filter((name) => ID.test(name))) {
      try {
        const bytes = this.#home.read(PAIRINGS, id, FILE);
        const kept = bytes && this.#read(id, bytes);
        if (!kept || this.isOver(kept)) this.#removeIfFree(id);
        else if (kept.role === role) found.push(kept as Extract<Kept, { role: R }>);
      } catch (error) {
        onProblem(messageOf(error));
      }
    }
    return found.sort((a, b) => b.madeAtMs - a.madeAtMs);
  }

  #removeIfFree(id: string): void {
    try {
      this.hold(id).remove();
    } catch {
      // Another process has it, and sees to it.
    }
  }

  #read(id: string, bytes: Uint8Array): Kept {
    try {
      return checked(id, Schema.parse(fromSummedJson(Buffer.from(bytes).toString('utf8'))));
    } catch (cause) {
      throw new ResettleError(
        'damaged',
        `${this.#home.path(PAIRINGS, id, FILE)} is not a pairing that can be gone on with`,
        {
          hint: `pair anew, by a code; the folder ${this.#home.path(PAIRINGS, id)} can be removed`,
          cause,
        },
      );
    }
  }
}

type Written = z.output<typeof Schema>;

function written(kept: Kept): Written {
  const { record } = kept;
  const common = {
    version: 1 as const,
    madeAtMs: kept.madeAtMs,
    key: hexOf(privateKeyToProtobuf(kept.privateKey)),
    initiator: record.initiator,
    responder: record.responder,
    session: hexOf(record.session),
    signatures: { initiator: hexOf(record.signatures.initiator), responder: hexOf(record.signatures.responder) },
    remoteAbout: hexOf(kept.remoteAbout),
    addresses: kept.addresses.slice(0, PAIRING_ADDRESSES_MAX),
  };
  if (kept.role === 'receiver') {
    const { wish } = kept;
    return {
      ...common,
      role: 'receiver',
      restoreId: kept.restoreId,
      ...(wish && { wish: writtenWish(wish) }),
    };
  }
  const { paths, areas, notTaken, state, stateKey, port } = kept;
  const what = { paths: [...paths], areas: [...areas], notTaken };
  return { ...common, role: 'sender', ...what, state, stateKey: hexOf(stateKey), port };
}

function writtenWish({ areas, mapUsers, ...wish }: ReceiveWish) {
  return { ...wish, mapUsers: [...mapUsers], ...(areas && { areas: [...areas] }) };
}

/** The pairing, if its key is one end of a record that both ends signed. */
function checked(id: string, file: Written): Kept {
  const privateKey = privateKeyFromProtobuf(bytesOfHex(file.key));
  if (privateKey.type !== 'Ed25519') throw new Error('not an Ed25519 key');
  const record: PairingRecord = {
    purpose: 'send',
    initiator: peerIdText(file.initiator),
    responder: peerIdText(file.responder),
    session: bytesOfHex(file.session),
    signatures: {
      initiator: bytesOfHex(file.signatures.initiator),
      responder: bytesOfHex(file.signatures.responder),
    },
  };
  if (!isSignedByBoth(record)) throw new Error('not signed by both machines');
  // Who shows the code, and sends, is dialled.
  const [own, remote] =
    file.role === 'sender' ? [record.responder, record.initiator] : [record.initiator, record.responder];
  if (privateKey.publicKey.toString() !== own) throw new Error('the key is not that of the pairing');
  const common = {
    id,
    madeAtMs: file.madeAtMs,
    privateKey,
    record,
    remote,
    remoteAbout: bytesOfHex(file.remoteAbout),
    addresses: file.addresses,
  };
  if (file.role === 'receiver') return { ...common, role: 'receiver', wish: file.wish, restoreId: file.restoreId };
  const { paths, areas, notTaken, port } = file;
  const keys = { state: stateId(file.state), stateKey: bytesOfHex(file.stateKey) };
  return { ...common, role: 'sender', paths, areas, notTaken, ...keys, port };
}
