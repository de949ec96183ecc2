import { z } from 'zod';
import { ResettleError } from '../../../common/errors.ts';
import { type AssociationId, type PeerIdText, peerIdText, type StateId, stateId } from '../../../common/ids.ts';
import { fromSummedJson, toSummedJson } from '../../../state/format/summed-json.ts';
import type { Home } from '../../home/home.ts';

/** A share of a deal that another one of the same state took the place of. */
export interface Retired {
  readonly peer: PeerIdText;
  /** The deal's id, 32 hex digits. */
  readonly deal: string;
}

/** What a source remembers of its last deal for an association, for its eyes only: HOME/dealt/<association>.json. */
export interface Dealt {
  readonly state: StateId;
  readonly deal: Uint8Array;
  /** By place in the deal. */
  readonly shares: readonly { readonly peer: PeerIdText; readonly share: Uint8Array }[];
  /** BLAKE3 of what was split, 64 hex digits: the shares must bring back exactly this. */
  readonly sealedHash: string;
  /** Of the state key that was sealed, hex: a deal of another key is of no use. */
  readonly keyCheck: string;
  /** Who may still keep such a share, and is to be told. */
  readonly retired: readonly Retired[];
}

/** Of more than these the oldest are forgotten: their machines stay "needed" until the state is restored. */
const RETIRED_MAX = 256;

const base64 = z.base64().transform((text) => new Uint8Array(Buffer.from(text, 'base64')));
const DealtSchema = z.strictObject({
  version: z.literal(1),
  state: z.string().transform(stateId),
  deal: base64,
  shares: z.array(z.strictObject({ peer: z.string().transform(peerIdText), share: base64 })).max(16),
  sealedHash: z.string(),
  keyCheck: z.string(),
  retired: z
    .array(z.strictObject({ peer: z.string().transform(peerIdText), deal: z.string().regex(/^[0-9a-f]{32}$/) }))
    .max(RETIRED_MAX)
    .default([]),
});

const file = (association: AssociationId): [string, string] => ['dealt', `${association}.json`];

/** Throws `damaged`. */
export function readDealt(home: Home, association: AssociationId): Dealt | undefined {
  const bytes = home.read(...file(association));
  if (!bytes) return undefined;
  try {
    const { version: _, ...dealt } = DealtSchema.parse(fromSummedJson(bytes.toString('utf8')));
    return dealt;
  } catch (cause) {
    throw new ResettleError('damaged', `${home.path(...file(association))} is damaged`, {
      hint: 'move it away; the next capture then deals new shares',
      cause,
    });
  }
}

export function writeDealt(home: Home, association: AssociationId, dealt: Dealt): void {
  const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const shares = dealt.shares.map(({ peer, share }) => ({ peer, share: encode(share) }));
  const retired = dealt.retired.slice(-RETIRED_MAX);
  const json = { version: 1, ...dealt, deal: encode(dealt.deal), shares, retired };
  home.write(`${toSummedJson(json)}\n`, ...file(association));
}
