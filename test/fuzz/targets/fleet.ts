/** A fleet of made-up machines, once for the whole process: keys and envelopes of which valid inputs are made. */
import type { Ed25519PrivateKey } from '@libp2p/interface';
import type { Random } from '../../faults/scenario.ts';
import { type Fleet, fleetOf, invite, type Machine, machine } from '../../records/machines.ts';

export interface MadeUp extends Fleet {
  readonly ann: Machine;
  readonly key: Ed25519PrivateKey;
  /** The text of an invite. */
  readonly token: string;
}

async function make(): Promise<MadeUp> {
  const fleet = await fleetOf('office');
  const ann = await machine('ann');
  return { ...fleet, ann, key: ann.key, token: await invite(fleet.operator) };
}

/** Made when the process starts: everything else may be asked for synchronously then. */
export const MADE_UP: MadeUp = await make();

export const somePeer = (random: Random) =>
  random.pick([MADE_UP.ann.peerId, MADE_UP.operator.peerId, MADE_UP.authority]);
