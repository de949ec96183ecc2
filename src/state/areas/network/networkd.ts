import type { ConfigFile } from '../base/config-file.ts';
import { addressIn } from './addresses.ts';
import { type FitAbout, type Fitted, isMac, type Refusal, type StaticAddress, staticRefusal } from './fit.ts';
import { type KeyLine, KeyLines, type LineEdit } from './key-lines.ts';
import type { AdapterKind } from './schema.ts';

/** What stands in `[Match]` instead of one adapter's address: all adapters of that kind, none that settings make. */
const TYPE_BY_KIND: Partial<Record<AdapterKind, string>> = { ethernet: 'ether', wifi: 'wlan', mobile: 'wwan' };
const DHCP_IDENTITY = new Set(['ClientIdentifier', 'DUIDType', 'DUIDRawData', 'IAID', 'Hostname']);
const DHCP_WORDS = new Set(['mac', 'duid', 'duid-only', 'vendor', 'uuid', 'link-layer', 'link-layer-time']);

export const parseNetworkd = (text: string): KeyLines => KeyLines.parse(text, true);

/** Addresses that a .network file, or a drop-in of one, sets. */
export function networkdAddresses(lines: KeyLines): StaticAddress[] {
  const name = lines.get('Match', 'Name') ?? '';
  const gateway = lines.lines.find(
    ({ group, key, value }) =>
      (group === 'Network' || group === 'Route') && key === 'Gateway' && !value.startsWith('_'),
  )?.value;
  return lines.lines.flatMap(({ group, key, value }): StaticAddress[] => {
    if (!(group === 'Network' || group === 'Address') || key !== 'Address' || value === '') return [];
    const address = addressIn(value);
    // 0.0.0.0/24 and ::/64 have networkd pick one of its own.
    if (address.address === '0.0.0.0' || address.address === '::') return [];
    return [{ interface: name, ...address, ...(gateway && { gateway }) }];
  });
}

export function fitNetworkd(file: ConfigFile, text: string, about: FitAbout): Fitted {
  const lines = parseNetworkd(text);
  const base = { path: file.path, effect: 'network' } as const;
  if (lines.badLines.length > 0 || text.includes('\0')) {
    const why = `line ${lines.badLines[0] ?? 1} is no key and value`;
    return { ...base, notes: [], refusal: { kind: 'withhold', why } };
  }
  if (about.adapters.identity === 'same') return { ...base, notes: [] };
  const fitter = new NetworkdFitter(file.path, lines, about);
  const fitted = lines.edit((line) => fitter.edit(line));
  const refusal = staticRefusal(networkdAddresses(lines), about) ?? fitter.refusal;
  return { ...base, text: fitted, notes: fitter.notes, ...(refusal && { refusal }) };
}

class NetworkdFitter {
  readonly notes: string[] = [];
  refusal: Refusal | undefined;
  readonly #about: FitAbout;
  readonly #isLinkFile: boolean;
  readonly #hint: AdapterKind | undefined;

  constructor(path: string, lines: KeyLines, about: FitAbout) {
    this.#about = about;
    this.#isLinkFile = /\.link(?:\.d\/[^/]*)?$/.test(path);
    const type = lines.get('Match', 'Type');
    const named = lines.get('Match', 'Name') ?? '';
    this.#hint = type === 'wlan' ? 'wifi' : type === 'wwan' ? 'mobile' : (about.adapters.kindOf(named) ?? 'ethernet');
  }

  edit({ group, key, value }: KeyLine): LineEdit {
    if (group === 'Match') return this.#match(key, value);
    if (key === 'MACAddress' && isMac(value)) return this.#drop('it no longer feigns a hardware address');
    if (/^DHCP/.test(group) && DHCP_IDENTITY.has(key) && !DHCP_WORDS.has(value)) {
      return this.#drop(`what the old machine called itself by DHCP (${key}) is left out`);
    }
    return undefined;
  }

  #match(key: string, value: string): LineEdit {
    if (key === 'MACAddress' || key === 'PermanentMACAddress') return this.#macs(key, value);
    if (key === 'Name' || key === 'OriginalName') return this.#names(value);
    if (key === 'Path') return this.#wholly('one slot', 'a slot of this machine may hold something else');
    return undefined;
  }

  #macs(key: string, value: string): LineEdit {
    const [first = ''] = value.split(/\s+/).filter(isMac);
    const place = this.#about.adapters.ofMac(first.replaceAll('-', ':'), this.#hint);
    if (place.kind === 'keep') return undefined;
    if (place.kind === 'adapter' && place.adapter.mac) {
      this.notes.push(`it is bound to ${place.adapter.interface} instead of one adapter`);
      return place.adapter.mac;
    }
    const type = this.#hint && TYPE_BY_KIND[this.#hint];
    const why = place.kind === 'none' ? place.why : 'its adapter has no address';
    if (this.#isLinkFile || !type) return this.#wholly('the address of one adapter', why);
    this.notes.push(`it is no longer bound to one adapter, but to all of ${this.#hint}: ${why}`);
    return key === 'MACAddress' ? [`Type=${type}`, 'Kind=!*'] : [`Type=${type}`];
  }

  #names(value: string): LineEdit {
    const names = value.split(/\s+/).map((name) => {
      const place = this.#about.adapters.ofName(name);
      if (place.kind === 'keep') return name;
      if (place.kind === 'none') {
        this.#wholly(name, place.why);
        return name;
      }
      this.notes.push(`it is bound to ${place.adapter.interface} instead of ${name}`);
      return place.adapter.interface;
    });
    return names.join(' ');
  }

  /** What is bound by it would apply to anything without it. */
  #wholly(what: string, why: string): undefined {
    this.refusal ??= { kind: 'ask', why: `it is bound to ${what}, and ${why}; write it anew for this machine` };
    return undefined;
  }

  #drop(note: string): null {
    this.notes.push(note);
    return null;
  }
}
