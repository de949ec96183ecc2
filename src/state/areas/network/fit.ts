import type { ConfigFile } from '../base/config-file.ts';
import type { Owners, PrivilegedEffect } from '../base/types.ts';
import type { AdapterMap } from './adapter-map.ts';
import type { InterfaceAddress } from './schema.ts';

export interface FitAbout {
  readonly owners: Owners;
  /** Knows the identity too. */
  readonly adapters: AdapterMap;
}

/** Why a file is not put in place: a person decides (`ask`), or it is not carried. */
export interface Refusal {
  readonly kind: 'ask' | 'withhold';
  readonly why: string;
}

/** A captured file as the target should get it. */
export interface Fitted {
  readonly path: string;
  /** Undefined: as captured. */
  readonly text?: string;
  /** What was changed in it, for people. */
  readonly notes: readonly string[];
  readonly effect: PrivilegedEffect;
  readonly refusal?: Refusal;
}

/** `text`: the file's; empty for a link or what is no text. */
export type Fit = (file: ConfigFile, text: string, about: FitAbout) => Fitted;

/** An address that a file gives an interface, or a gateway beside it. */
export interface StaticAddress extends Pick<InterfaceAddress, 'interface' | 'address' | 'mask'> {
  readonly gateway?: string;
}

/** Two machines with one address fight, so another machine does not get it unasked. */
export function staticRefusal(addresses: readonly StaticAddress[], { adapters }: FitAbout): Refusal | undefined {
  if (adapters.identity === 'same' || addresses.length === 0) return undefined;
  const list = [...new Set(addresses.map(({ address }) => address))].slice(0, 5).join(', ');
  return {
    kind: 'ask',
    why: `it has the static address ${list} of the old machine, and two machines with one address disturb each other; give this machine an address of its own, or restore as the same machine once the old one is gone`,
  };
}

export const isMac = (text: string): boolean => /^[0-9a-f]{2}([:-][0-9a-f]{2}){5}([:-][0-9a-f]{2}){0,14}$/i.test(text);
