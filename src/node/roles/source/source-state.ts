import { z } from 'zod';
import { bytesOfHex, hexOf } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { type AssociationId, type PeerIdText, peerIdText, type StateId } from '../../../common/ids.ts';
import { KNOWN_PLACES_MAX, SPREAD_POINTS_MAX } from '../../../common/limits.ts';
import { newStateId } from '../../../state/format/index.ts';
import { fromSummedJson, toSummedJson } from '../../../state/format/summed-json.ts';
import type { Home } from '../../home/home.ts';

const HEX32 = z.string().regex(/^[0-9a-f]{64}$/);
const SourceStateSchema = z.object({
  version: z.literal(1),
  state: HEX32,
  key: HEX32,
  recipients: z.array(z.string()),
  snapshot: z.number().int().nonnegative(),
  signed: z.number().int().nonnegative().default(0),
  descriptor: HEX32.nullable(),
  places: z
    .array(
      z.object({
        cache: z.string().regex(/^[0-9a-f]{16}$/),
        points: z
          .array(z.string().max(64))
          .min(1)
          .max(4 * SPREAD_POINTS_MAX),
      }),
    )
    .max(KNOWN_PLACES_MAX)
    .default([]),
});

/** What a state goes on for: an association, or a store in a folder. It names the file in HOME/states. */
export type Lineage = AssociationId | `store-${string}`;

/** The lineage of what this HOME captures to one store, whose id is 64 hexadecimal digits. */
export const storeLineage = (storeId: string): Lineage => `store-${storeId}`;

/** What a source keeps of the state it makes for one lineage: HOME/states/<lineage>.json, for its eyes only. */
export interface SourceState {
  readonly stateId: StateId;
  readonly key: Uint8Array;
  /** age recipients that the key is wrapped to, or `passphrase`; a set that shrinks starts a new state key. */
  readonly recipients: readonly string[];
  /** The last snapshot that was committed, 0 for none. */
  readonly snapshot: number;
  /** The last number that was signed and sent: it may lie on a point whose answer was lost, so it is not given twice. */
  readonly signed: number;
  /** Hash of the last committed snapshot's descriptor. */
  readonly descriptor: Uint8Array | undefined;
  /** Where captures went, the last one first: what those points have need not be sent again. */
  readonly places: readonly KnownPlace[];
}

/** One point, or several that have a spread state together, and the stat cache of what was sent there. */
export interface KnownPlace {
  /** 16 hexadecimal digits, for HOME/cache/<state>-<cache>.db. */
  readonly cache: string;
  readonly points: readonly PeerIdText[];
}

const file = (lineage: Lineage): [string, string] => ['states', `${lineage}.json`];

/** What is kept of a lineage, or undefined. Throws `damaged`. */
export function readSourceState(home: Home, lineage: Lineage): SourceState | undefined {
  const bytes = home.read(...file(lineage));
  return bytes && parse(bytes, home.path(...file(lineage)));
}

/** The state that goes on for this lineage, or a new one. */
export function openSourceState(
  home: Home,
  lineage: Lineage,
  source: PeerIdText,
  recipients: readonly string[],
  random: RandomBytes,
): SourceState {
  const known = readSourceState(home, lineage);
  if (known?.recipients.every((recipient) => recipients.includes(recipient))) return { ...known, recipients };
  return newSourceState(source, recipients, random);
}

/** A state of which nothing was captured, with a key of its own. */
export function newSourceState(source: PeerIdText, recipients: readonly string[], random: RandomBytes): SourceState {
  return {
    stateId: newStateId(source, random(32)),
    key: random(32),
    recipients,
    snapshot: 0,
    signed: 0,
    descriptor: undefined,
    places: [],
  };
}

/** The state with that place as the last one; `forgotten` are those that it has no room to remember. */
export function withPlace(
  state: SourceState,
  place: KnownPlace,
): { readonly state: SourceState; readonly forgotten: readonly KnownPlace[] } {
  const places = [place, ...state.places.filter(({ cache }) => cache !== place.cache)];
  return { state: { ...state, places: places.slice(0, KNOWN_PLACES_MAX) }, forgotten: places.slice(KNOWN_PLACES_MAX) };
}

export function writeSourceState(home: Home, lineage: Lineage, state: SourceState): void {
  const json = {
    version: 1,
    state: state.stateId,
    key: hexOf(state.key),
    recipients: state.recipients,
    snapshot: state.snapshot,
    signed: state.signed,
    descriptor: state.descriptor ? hexOf(state.descriptor) : null,
    places: state.places,
  };
  home.write(`${toSummedJson(json)}\n`, ...file(lineage));
}

/** Forgets a lineage of which nothing was stored anywhere. */
export function dropSourceState(home: Home, lineage: Lineage): void {
  home.remove(...file(lineage));
}

/**
 * Removes stat caches that no kept state knows: a capture that failed before its state was kept leaves one. Nothing
 * where a state cannot be read. Only the holder of HOME's lock may.
 */
export function dropStrayCaches(home: Home): void {
  const kept = new Set<string>();
  try {
    for (const name of home.list('states').filter((file) => file.endsWith('.json'))) {
      const { stateId, places } = parse(home.read('states', name)!, name);
      for (const cache of ['', ...places.map((place) => `-${place.cache}`)]) kept.add(`${stateId}${cache}`);
    }
  } catch {
    return;
  }
  for (const name of home.list('cache')) {
    const state = /^([0-9a-f]{64}(-[0-9a-f]{16})?)\.db/.exec(name)?.[1];
    if (state !== undefined && !kept.has(state)) home.remove('cache', name);
  }
}

function parse(bytes: Buffer, path: string): SourceState {
  try {
    const json = SourceStateSchema.parse(fromSummedJson(bytes.toString('utf8')));
    return {
      stateId: json.state as StateId,
      key: bytesOfHex(json.key),
      recipients: json.recipients,
      snapshot: json.snapshot,
      signed: Math.max(json.signed, json.snapshot),
      descriptor: json.descriptor === null ? undefined : bytesOfHex(json.descriptor),
      places: json.places.map(({ cache, points }) => ({ cache, points: points.map(peerIdText) })),
    };
  } catch (cause) {
    throw new ResettleError('damaged', `${path} is damaged`, {
      hint: 'move it away; the next capture then starts a new state',
      cause,
    });
  }
}
