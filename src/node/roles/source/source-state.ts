import { z } from 'zod';
import { bytesOfHex, hexOf } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import { type AssociationId, type PeerIdText, peerIdText, type StateId } from '../../../common/ids.ts';
import { newStateId } from '../../../state/format/index.ts';
import type { Home } from '../../home/home.ts';

const HEX32 = z.string().regex(/^[0-9a-f]{64}$/);
const SourceStateSchema = z.object({
  version: z.literal(1),
  state: HEX32,
  key: HEX32,
  recipients: z.array(z.string()),
  snapshot: z.number().int().nonnegative(),
  descriptor: HEX32.nullable(),
  point: z.string().max(64).nullish(),
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
  /** Hash of its descriptor. */
  readonly descriptor: Uint8Array | undefined;
  /** The point that the last capture went to: what it has need not be sent again. */
  readonly point: PeerIdText | undefined;
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
  return {
    stateId: newStateId(source, random(32)),
    key: random(32),
    recipients,
    snapshot: 0,
    descriptor: undefined,
    point: undefined,
  };
}

export function writeSourceState(home: Home, lineage: Lineage, state: SourceState): void {
  const json = {
    version: 1,
    state: state.stateId,
    key: hexOf(state.key),
    recipients: state.recipients,
    snapshot: state.snapshot,
    descriptor: state.descriptor ? hexOf(state.descriptor) : null,
    point: state.point ?? null,
  };
  home.write(`${JSON.stringify(json)}\n`, ...file(lineage));
}

function parse(bytes: Buffer, path: string): SourceState {
  try {
    const json = SourceStateSchema.parse(JSON.parse(bytes.toString('utf8')));
    return {
      stateId: json.state as StateId,
      key: bytesOfHex(json.key),
      recipients: json.recipients,
      snapshot: json.snapshot,
      descriptor: json.descriptor === null ? undefined : bytesOfHex(json.descriptor),
      point: json.point ? peerIdText(json.point) : undefined,
    };
  } catch (cause) {
    throw new ResettleError('damaged', `${path} is damaged`, {
      hint: 'move it away; the next capture then starts a new state',
      cause,
    });
  }
}
