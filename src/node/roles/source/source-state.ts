import { z } from 'zod';
import { bytesOfHex, hexOf } from '../../../common/bytes.ts';
import type { RandomBytes } from '../../../common/clock.ts';
import { ResettleError } from '../../../common/errors.ts';
import type { AssociationId, PeerIdText, StateId } from '../../../common/ids.ts';
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
});

/** What a source keeps of the state it makes for one association: HOME/states/<association>.json, for its eyes only. */
export interface SourceState {
  readonly stateId: StateId;
  readonly key: Uint8Array;
  /** age recipients that the key is wrapped to; a set that shrinks starts a new state key. */
  readonly recipients: readonly string[];
  /** The last snapshot that was committed, 0 for none. */
  readonly snapshot: number;
  /** Hash of its descriptor. */
  readonly descriptor: Uint8Array | undefined;
}

const file = (association: AssociationId): [string, string] => ['states', `${association}.json`];

/** The state that goes on for this association, or a new one. */
export function openSourceState(
  home: Home,
  association: AssociationId,
  source: PeerIdText,
  recipients: readonly string[],
  random: RandomBytes,
): SourceState {
  const bytes = home.read(...file(association));
  if (bytes) {
    const known = parse(bytes, home.path(...file(association)));
    if (known.recipients.every((recipient) => recipients.includes(recipient))) return { ...known, recipients };
  }
  return { stateId: newStateId(source, random(32)), key: random(32), recipients, snapshot: 0, descriptor: undefined };
}

export function writeSourceState(home: Home, association: AssociationId, state: SourceState): void {
  const json = {
    version: 1,
    state: state.stateId,
    key: hexOf(state.key),
    recipients: state.recipients,
    snapshot: state.snapshot,
    descriptor: state.descriptor ? hexOf(state.descriptor) : null,
  };
  home.write(`${JSON.stringify(json)}\n`, ...file(association));
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
    };
  } catch (cause) {
    throw new ResettleError('damaged', `${path} is damaged`, {
      hint: 'move it away; the next capture then starts a new state',
      cause,
    });
  }
}
