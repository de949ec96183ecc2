import type { System } from '../base/system.ts';
import type { Identity } from '../base/types.ts';
import { kindOfName, PHYSICAL_KINDS, readAdapters } from './adapters.ts';
import type { Adapter, AdapterKind } from './schema.ts';

/** Where what was bound to one adapter goes on the target: it stays, it gets this one's name and address, or nowhere. */
export type Place =
  | { readonly kind: 'keep' }
  | { readonly kind: 'adapter'; readonly adapter: Adapter }
  | { readonly kind: 'none'; readonly why: string };

const KEEP: Place = { kind: 'keep' };

/** Finds the adapter of the target that stands for one of the source. */
export class AdapterMap {
  readonly identity: Identity;
  readonly #source: readonly Adapter[];
  /** Undefined: the target does not run. */
  readonly #target: readonly Adapter[] | undefined;

  constructor(identity: Identity, source: readonly Adapter[], target: System) {
    this.identity = identity;
    this.#source = source;
    this.#target = target.isLive ? readAdapters(target) : undefined;
  }

  /** For an interface name; one that settings make (a bridge, a tunnel), or a pattern, stays. */
  ofName(name: string, hint?: AdapterKind): Place {
    if (this.identity === 'same' || /[*?[!]/.test(name)) return KEEP;
    const kind = this.kindOf(name) ?? hint;
    if (!kind || !PHYSICAL_KINDS.has(kind)) return KEEP;
    if (this.#target?.some((one) => one.interface === name && one.kind === kind)) return KEEP;
    return this.#only(kind);
  }

  /** For a hardware address. `hint`: the kind, where the source's list does not tell. */
  ofMac(mac: string, hint?: AdapterKind): Place {
    if (this.identity === 'same') return KEEP;
    const wanted = mac.toLowerCase();
    if (this.#target?.some((one) => one.mac === wanted)) return KEEP;
    const kind = this.#source.find((one) => one.mac === wanted)?.kind ?? hint;
    return kind ? this.#only(kind) : { kind: 'none', why: 'this machine has no such adapter' };
  }

  kindOf(name: string): AdapterKind | undefined {
    return this.#source.find((one) => one.interface === name)?.kind ?? kindOfName(name);
  }

  #only(kind: AdapterKind): Place {
    if (!this.#target) return { kind: 'none', why: 'the adapters of a system that does not run are not known' };
    const found = this.#target.filter((one) => one.kind === kind);
    const before = this.#source.filter((one) => one.kind === kind).length;
    if (before > 1) return { kind: 'none', why: `the old machine had ${before} ${kind} adapters` };
    if (found.length === 1 && found[0]) return { kind: 'adapter', adapter: found[0] };
    const count = found.length === 0 ? 'no' : `${found.length}`;
    return { kind: 'none', why: `this machine has ${count} ${kind} adapter${found.length === 1 ? '' : 's'}` };
  }
}
