import type { ConfigFile } from '../base/config-file.ts';
import type { Owners } from '../base/types.ts';
import type { Place } from './adapter-map.ts';
import { addressIn } from './addresses.ts';
import { type FitAbout, type Fitted, isMac, type StaticAddress, staticRefusal } from './fit.ts';
import { mapHomePath } from './home-path.ts';
import { type KeyLine, KeyLines, type LineEdit } from './key-lines.ts';
import type { AdapterKind } from './schema.ts';

/** Connection types that use an adapter that is there; `interface-name` of the others names what they make. */
const KIND_BY_TYPE: ReadonlyMap<string, AdapterKind> = new Map(
  Object.entries<AdapterKind>({
    ethernet: 'ethernet',
    '802-3-ethernet': 'ethernet',
    pppoe: 'ethernet',
    wifi: 'wifi',
    '802-11-wireless': 'wifi',
    gsm: 'mobile',
    cdma: 'mobile',
    infiniband: 'infiniband',
  }),
);
const KIND_BY_GROUP = KIND_BY_TYPE;

/** Words of `cloned-mac-address` that bind nothing. */
const MAC_WORDS = new Set(['', 'permanent', 'preserve', 'random', 'stable', 'stable-ssid']);
/** Words of `dhcp-client-id`, `dhcp-duid` and `dhcp-iaid` that each machine makes its own value of. */
const DHCP_WORDS = /^(?:|mac|perm-mac|duid|ipv6-duid|stable|none|lease|ll|llt|uuid|stable-(?:ll|llt|uuid)|ifname)$/;
const DHCP_KEYS = new Set(['dhcp-client-id', 'dhcp-duid', 'dhcp-iaid', 'dhcp-hostname', 'dhcp-fqdn']);
const PARENT_GROUPS = new Set(['vlan', 'macvlan', 'vxlan', 'ip-tunnel', 'macsec', 'pppoe', 'infiniband', '6lowpan']);
const ADDRESS_KEY = /^address(?:es)?\d*$/;

export interface Connection {
  readonly id: string;
  readonly uuid: string | undefined;
  readonly type: string;
  readonly lines: KeyLines;
}

/** A NetworkManager connection; a text says what is wrong with it. */
export function parseConnection(text: string): Connection | string {
  const lines = KeyLines.parse(text);
  if (text.includes('\0')) return 'it holds a NUL';
  if (lines.badLines.length > 0) return `line ${lines.badLines[0]} is no key and value`;
  if (lines.lines[0]?.group === '') return 'it has keys before its first group';
  const type = lines.get('connection', 'type');
  if (!lines.groups.includes('connection')) return 'it has no [connection]';
  if (!type) return 'it has no type';
  const uuid = lines.get('connection', 'uuid');
  if (uuid !== undefined && !/^[0-9a-f-]{32,40}$/i.test(uuid)) return 'its uuid is none';
  return { id: lines.get('connection', 'id') ?? '', uuid, type, lines };
}

/** Addresses that a connection sets by itself. One that it gives to a network of its own (`shared`) is nobody else's. */
export function staticAddressesOf({ lines }: Connection): StaticAddress[] {
  const name = lines.get('connection', 'interface-name') ?? '';
  return lines.lines.flatMap(({ group, key, value }): StaticAddress[] => {
    if (!(group === 'ipv4' || group === 'ipv6') || !ADDRESS_KEY.test(key)) return [];
    const method = lines.get(group, 'method') ?? 'auto';
    if (!['manual', 'auto', 'dhcp'].includes(method)) return [];
    if (value === '') return [];
    const [first = '', gateway] = value.split(/[;,]/);
    const address = addressIn(first);
    const beside = gateway || lines.get(group, 'gateway');
    return [{ interface: name, ...address, ...(beside && { gateway: beside }) }];
  });
}

/** Files that it names: certificates and keys, which are carried only where another area takes them. */
export function filesNamedBy({ lines }: Connection): string[] {
  return lines.lines.flatMap(({ group, value }) => {
    const path = value.replace(/^file:\/\//, '');
    return (group === '802-1x' || group === 'vpn') && /^\/[^\n;]+$/.test(path) ? [path] : [];
  });
}

export function fitConnection(file: ConfigFile, text: string, about: FitAbout): Fitted {
  const base = { path: file.path, effect: 'network' } as const;
  const connection = parseConnection(text);
  if (typeof connection === 'string') {
    return { ...base, notes: [], refusal: { kind: 'withhold', why: `it is no connection: ${connection}` } };
  }
  const fitter = new ConnectionFitter(connection, about);
  const fitted = connection.lines.edit((line) => fitter.edit(line));
  const refusal = staticRefusal(staticAddressesOf(connection), about) ?? fitter.refusal;
  return { ...base, text: fitted, notes: fitter.notes, ...(refusal && { refusal }) };
}

class ConnectionFitter {
  readonly notes: string[] = [];
  refusal: Fitted['refusal'];
  readonly #about: FitAbout;
  readonly #kind: AdapterKind | undefined;
  readonly #isNew: boolean;

  constructor({ type }: Connection, about: FitAbout) {
    this.#about = about;
    this.#kind = KIND_BY_TYPE.get(type);
    this.#isNew = about.adapters.identity === 'new';
  }

  edit({ group, key, value }: KeyLine): LineEdit {
    if (group === 'connection' && key === 'permissions') return this.#permissions(value);
    if (group === '802-1x' || group === 'vpn') return mapHomePath(value, this.#about.owners);
    if (!this.#isNew) return undefined;
    if (group === 'connection' && key === 'interface-name') return this.#interfaceName(value);
    if (key === 'mac-address') return this.#mac(value, KIND_BY_GROUP.get(group));
    if (key === 'cloned-mac-address' && !MAC_WORDS.has(value))
      return this.#drop('it no longer feigns a hardware address');
    if (DHCP_KEYS.has(key) && !DHCP_WORDS.test(value))
      return this.#drop(`what the old machine called itself by DHCP (${key}) is left out`);
    if (group === 'gsm' && key === 'device-id') return this.#drop('it is no longer bound to one modem');
    if (group === 'match' && key === 'path') return this.#drop('it is no longer bound to one slot');
    if (group === 'match' && key === 'interface-name') return this.#names(value);
    if (PARENT_GROUPS.has(group) && key === 'parent') return this.#parent(value);
    return undefined;
  }

  #interfaceName(name: string): LineEdit {
    return this.#kind
      ? this.#bound(this.#about.adapters.ofName(name, this.#kind), name, (to) => to.interface)
      : undefined;
  }

  #mac(mac: string, hint: AdapterKind | undefined): LineEdit {
    if (!isMac(mac)) return undefined;
    const place = this.#about.adapters.ofMac(mac, hint ?? this.#kind);
    return this.#bound(place, 'one adapter', (to) => to.mac?.toUpperCase() ?? null);
  }

  #bound(
    place: Place,
    what: string,
    to: (adapter: Extract<Place, { kind: 'adapter' }>['adapter']) => LineEdit,
  ): LineEdit {
    if (place.kind === 'keep') return undefined;
    if (place.kind === 'none') return this.#drop(`it is no longer bound to ${what}: ${place.why}`);
    this.notes.push(`it is bound to ${place.adapter.interface} instead of ${what}`);
    return to(place.adapter);
  }

  #drop(note: string): null {
    this.notes.push(note);
    return null;
  }

  #names(value: string): LineEdit {
    const names = value.split(/([;,\s]+)/).map((name) => {
      const place = /^[\w.-]+$/.test(name) ? this.#about.adapters.ofName(name) : undefined;
      return place?.kind === 'adapter' ? place.adapter.interface : name;
    });
    return names.join('');
  }

  #parent(value: string): LineEdit {
    const place = this.#about.adapters.ofName(value);
    if (place.kind === 'keep') return undefined;
    if (place.kind === 'adapter') {
      this.notes.push(`it stands on ${place.adapter.interface} instead of ${value}`);
      return place.adapter.interface;
    }
    this.refusal = {
      kind: 'ask',
      why: `it stands on the adapter ${value}, and ${place.why}; make it anew for the adapter that it should use`,
    };
    return undefined;
  }

  #permissions(value: string): LineEdit {
    const to = mapPermissions(value, this.#about.owners);
    if (to !== value) this.notes.push('it belongs to whom its owner is here');
    return to;
  }
}

/** `user:ann:;user:bob:;`, with the names that they have on the target. */
export function mapPermissions(value: string, owners: Owners): string {
  return value.replaceAll(
    /(^|[;\s])user:([^:;]+)/g,
    (_, before: string, name: string) => `${before}user:${owners.user(name)}`,
  );
}
