import { z } from 'zod';
import { bytesOfHex, hexOf } from '../../../../common/bytes.ts';
import { ResettleError } from '../../../../common/errors.ts';
import { failpoint } from '../../../../common/failpoint.ts';
import {
  type AssociationId,
  associationId,
  type PeerIdText,
  peerIdText,
  type StateId,
} from '../../../../common/ids.ts';
import { fromSummedJson, toSummedJson } from '../../../../state/format/summed-json.ts';
import type { Home } from '../../../home/home.ts';
import type { GivenShares } from '../types.ts';

const HEX32 = z.string().regex(/^[0-9a-f]{64}$/);
const PEER = z.string().max(64);
const TIME = z.number().int().nonnegative();
const ReceiptSchema = z.object({
  version: z.literal(1),
  association: HEX32,
  state: HEX32,
  snapshot: z.number().int().positive(),
  descriptorHash: HEX32,
  bytes: z.number().int().nonnegative(),
  skipped: z.number().int().nonnegative(),
  machine: z
    .string()
    .regex(/^([0-9a-f]{2})*$/)
    .nullable(),
  points: z.array(PEER),
  shares: z
    .object({
      needed: z.number().int(),
      total: z.number().int(),
      holders: z.array(z.object({ peerId: PEER, proof: z.string() })),
      atMs: TIME,
    })
    .nullable(),
  reads: z.array(z.object({ peerId: PEER, atMs: TIME, packs: z.string().regex(/^([0-9a-f]{2})*$/) })),
  trial: z.object({ peers: z.array(PEER), saidAtMs: TIME, learnedAtMs: TIME }).nullable(),
});

/** What a holder was found to have when packs were read back from it. */
export interface ReadBack {
  readonly peerId: PeerIdText;
  readonly atMs: number;
  /** Bit `i % 8` of byte `i / 8`: pack `i` of the descriptor. */
  readonly packs: Uint8Array;
}

/**
 * What this source knows of the snapshot that it stored last for one association, and what it has seen for itself since:
 * HOME/receipts/<association>.json, with the descriptor beside it.
 */
export interface Receipt {
  readonly association: AssociationId;
  readonly state: StateId;
  readonly snapshot: number;
  readonly descriptorHash: string;
  readonly bytes: number;
  readonly skipped: number;
  /** Digests of the source's hardware, for a move in place. */
  readonly machine: Uint8Array | null;
  /** Where it was committed. */
  readonly points: readonly PeerIdText[];
  readonly shares: (GivenShares & { readonly atMs: number }) | null;
  readonly reads: readonly ReadBack[];
  /** The destination's newest trial of it: what it said, when by its clock, and when this source learned of it by its own. */
  readonly trial: {
    readonly peers: readonly PeerIdText[];
    readonly saidAtMs: number;
    readonly learnedAtMs: number;
  } | null;
}

const FOLDER = 'receipts';

export function writeReceipt(home: Home, receipt: Receipt, descriptor?: Uint8Array): void {
  if (descriptor) home.write(descriptor, FOLDER, `${receipt.association}.descriptor`);
  failpoint('source.receipt-descriptor-kept');
  const json = {
    version: 1,
    ...receipt,
    machine: receipt.machine && hexOf(receipt.machine),
    reads: receipt.reads.map((read) => ({ ...read, packs: hexOf(read.packs) })),
  };
  home.write(`${toSummedJson(json)}\n`, FOLDER, `${receipt.association}.json`);
}

/** Undefined where nothing was stored for that association. Throws `damaged`. */
export function readReceipt(home: Home, association: AssociationId): Receipt | undefined {
  const bytes = home.read(FOLDER, `${association}.json`);
  if (!bytes) return undefined;
  try {
    const json = ReceiptSchema.parse(fromSummedJson(bytes.toString('utf8')));
    const peers = (list: readonly string[]): PeerIdText[] => list.map(peerIdText);
    return {
      association: associationId(json.association),
      state: json.state as StateId,
      snapshot: json.snapshot,
      descriptorHash: json.descriptorHash,
      bytes: json.bytes,
      skipped: json.skipped,
      machine: json.machine === null ? null : bytesOfHex(json.machine),
      points: peers(json.points),
      shares: json.shares && {
        ...json.shares,
        holders: json.shares.holders.map(({ peerId, proof }) => ({ peerId: peerIdText(peerId), proof })),
      },
      reads: json.reads.map(({ peerId, atMs, packs }) => ({
        peerId: peerIdText(peerId),
        atMs,
        packs: bytesOfHex(packs),
      })),
      trial: json.trial && { ...json.trial, peers: peers(json.trial.peers) },
    };
  } catch (cause) {
    throw new ResettleError('damaged', `${home.path(FOLDER, `${association}.json`)} is damaged`, {
      hint: 'move it away; the next capture writes a new one',
      cause,
    });
  }
}

/** The descriptor of the snapshot that the receipt is of. */
export function readReceiptDescriptor(home: Home, association: AssociationId): Uint8Array | undefined {
  return home.read(FOLDER, `${association}.descriptor`);
}

/** Associations for which something was stored. */
export function receiptedAssociations(home: Home): AssociationId[] {
  return home
    .list(FOLDER)
    .filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
    .map((name) => associationId(name.slice(0, 64)));
}
