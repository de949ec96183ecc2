import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar, visit, type YAMLMap } from 'yaml';
import type { ConfigFile } from '../base/config-file.ts';
import { addressIn } from './addresses.ts';
import { type FitAbout, type Fitted, type Refusal, type StaticAddress, staticRefusal } from './fit.ts';
import { mapPermissions } from './keyfile.ts';
import type { AdapterKind } from './schema.ts';

/** Groups of devices that are there by themselves; the others (bridges, bonds, vlans, tunnels) are made. */
const KIND_BY_GROUP: Readonly<Record<string, AdapterKind>> = { ethernets: 'ethernet', wifis: 'wifi', modems: 'mobile' };
/** Names of all adapters of a kind, as systemd gives them. */
const PATTERN_BY_KIND: Partial<Record<AdapterKind, string>> = { ethernet: 'en*', wifi: 'wl*', mobile: 'ww*' };
const BOUND_SETTING = /\.(?:cloned-)?mac-address$|\.dhcp-(?:client-id|duid|iaid|hostname|fqdn)$|^gsm\.device-id$/;
/** Keys whose values name devices by their ids. */
const REFERS = new Set(['interfaces', 'link', 'primary']);

/** A netplan file; a text says what is wrong with it. */
export function parseNetplan(text: string): Document | string {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) return error.message.split('\n')[0] ?? 'it is no YAML';
  if (document.contents === null) return document;
  if (!isMap(document.contents) || !isMap(document.get('network'))) return 'it has no mapping of the name network';
  let hasAlias = false;
  visit(document, {
    Alias: () => {
      hasAlias = true;
      return visit.BREAK;
    },
  });
  return hasAlias ? 'it has aliases, which netplan does not take' : document;
}

interface Device {
  readonly group: string;
  /** Its key: the id, and where nothing matches, the interface's name. */
  readonly key: Scalar<string>;
  readonly map: YAMLMap;
}

function devicesOf(document: Document): Device[] {
  const network = document.get('network');
  if (!isMap(network)) return [];
  return network.items.flatMap(({ key: group, value: devices }) => {
    if (!isScalar(group) || !isMap(devices)) return [];
    return devices.items.flatMap(({ key, value: map }): Device[] =>
      isScalar<string>(key) && typeof key.value === 'string' && isMap(map)
        ? [{ group: String(group.value), key, map }]
        : [],
    );
  });
}

/** NetworkManager keeps settings of its own in there, as text: `passthrough: {"ethernet.mac-address": …}`. */
function keyfileSettings(map: YAMLMap): { setting: string; value: string; parts: YAMLMap }[] {
  const found: { setting: string; value: string; parts: YAMLMap }[] = [];
  visit(map, {
    Pair: (_, { key, value: parts }) => {
      if (!isScalar(key) || key.value !== 'passthrough' || !isMap(parts)) return;
      for (const { key: setting, value } of parts.items) {
        found.push({ setting: String(setting), value: String(value), parts });
      }
    },
  });
  return found;
}

export function netplanAddresses(document: Document): StaticAddress[] {
  return devicesOf(document).flatMap(({ key, map }): StaticAddress[] => {
    const list = map.get('addresses');
    const inParts = keyfileSettings(map).flatMap(({ setting, value }) =>
      /^ipv[46]\.address(?:es)?\d*$/.test(setting)
        ? [{ interface: key.value, ...addressIn(value.split(',')[0] ?? '') }]
        : [],
    );
    const gateway = map.get('gateway4') ?? map.get('gateway6');
    const written = (isSeq(list) ? list.items : []).map((item) => {
      const value = isMap(item) ? item.items[0]?.key : item;
      const beside = gateway === undefined ? {} : { gateway: String(gateway) };
      return { interface: key.value, ...addressIn(String(value)), ...beside };
    });
    return [...written, ...inParts];
  });
}

export function fitNetplan(file: ConfigFile, text: string, about: FitAbout): Fitted {
  const base = { path: file.path, effect: 'network' } as const;
  const document = parseNetplan(text);
  if (typeof document === 'string') {
    return { ...base, notes: [], refusal: { kind: 'withhold', why: `netplan would not take it: ${document}` } };
  }
  const fitter = new NetplanFitter(document, about);
  for (const device of devicesOf(document)) fitter.fit(device);
  const refusal = staticRefusal(netplanAddresses(document), about) ?? fitter.refusal;
  const fitted = fitter.isEdited ? document.toString({ lineWidth: 0 }) : text;
  return { ...base, text: fitted, notes: fitter.notes, ...(refusal && { refusal }) };
}

class NetplanFitter {
  readonly notes: string[] = [];
  refusal: Refusal | undefined;
  isEdited = false;
  readonly #document: Document;
  readonly #about: FitAbout;

  constructor(document: Document, about: FitAbout) {
    this.#document = document;
    this.#about = about;
  }

  fit(device: Device): void {
    const { group, key, map } = device;
    const kind = KIND_BY_GROUP[group];
    this.#keyfileParts(device);
    if (this.#about.adapters.identity === 'same') return;
    if (map.has('macaddress') && /^[0-9a-f]{2}[:-]/i.test(String(map.get('macaddress')))) {
      map.delete('macaddress');
      this.#note('it no longer feigns a hardware address');
    }
    if (!kind) return;
    const match = map.get('match');
    if (!isMap(match)) this.#bindByKey(device, kind);
    else this.#bindByMatch(map, match, kind, key.value);
  }

  #keyfileParts({ map }: Device): void {
    const { owners, adapters } = this.#about;
    for (const { setting, value, parts } of keyfileSettings(map)) {
      if (setting === 'connection.permissions') {
        const to = mapPermissions(value, owners);
        if (to === value) continue;
        parts.set(setting, to);
        this.#note('it belongs to whom its owner is here');
      } else if (adapters.identity === 'new' && BOUND_SETTING.test(setting)) {
        parts.delete(setting);
        this.#note(`${setting} of the old machine is left out`);
      }
    }
  }

  #bindByKey({ key, map }: Device, kind: AdapterKind): void {
    const name = key.value;
    const place = this.#about.adapters.ofName(name, kind);
    if (place.kind === 'keep') return;
    if (place.kind === 'adapter') {
      this.#rename(key, place.adapter.interface);
      this.#note(`${name} is ${place.adapter.interface} here`);
      return;
    }
    const pattern = PATTERN_BY_KIND[kind];
    if (!pattern || (kind === 'wifi' && this.#rendererOf(map) !== 'NetworkManager')) {
      this.#ask(name, place.why);
      return;
    }
    map.set(this.#document.createNode('match'), this.#document.createNode({ name: pattern }));
    this.#note(`it is for all ${kind} adapters instead of ${name}: ${place.why}`);
  }

  #bindByMatch(map: YAMLMap, match: YAMLMap, kind: AdapterKind, id: string): void {
    const name = match.get('name');
    if (match.has('macaddress')) {
      const place = this.#about.adapters.ofMac(String(match.get('macaddress')), kind);
      if (place.kind === 'keep') return;
      if (place.kind === 'adapter' && place.adapter.mac) {
        match.set('macaddress', place.adapter.mac);
        if (name !== undefined) match.set('name', place.adapter.interface);
        this.#note(`${id} is bound to ${place.adapter.interface}`);
        return;
      }
      match.delete('macaddress');
      map.delete('set-name');
      const pattern = PATTERN_BY_KIND[kind];
      if (name === undefined && pattern) match.set('name', pattern);
      this.#note(`${id} is no longer bound to one adapter: ${place.kind === 'none' ? place.why : 'it has no address'}`);
    } else if (typeof name === 'string') {
      const place = this.#about.adapters.ofName(name, kind);
      if (place.kind === 'keep') return;
      const to = place.kind === 'adapter' ? place.adapter.interface : PATTERN_BY_KIND[kind];
      if (!to) {
        this.#ask(name, place.kind === 'none' ? place.why : '');
        return;
      }
      match.set('name', to);
      this.#note(
        place.kind === 'adapter' ? `${name} is ${to} here` : `it is for ${to} instead of ${name}: ${place.why}`,
      );
    }
  }

  #rendererOf(map: YAMLMap): unknown {
    return map.get('renderer') ?? this.#document.getIn(['network', 'renderer']);
  }

  /** The device's own key, and every place that names it. */
  #rename(key: Scalar<string>, to: string): void {
    const from = key.value;
    visit(this.#document, {
      Pair: (_, pair) => {
        if (!isScalar(pair.key) || !REFERS.has(String(pair.key.value))) return;
        const named = isSeq(pair.value) ? pair.value.items : [pair.value];
        for (const one of named) if (isScalar(one) && one.value === from) one.value = to;
      },
    });
    key.value = to;
  }

  #ask(name: string, why: string): void {
    this.refusal ??= {
      kind: 'ask',
      why: `it is about the adapter ${name}, and ${why}; write it anew for this machine`,
    };
  }

  #note(note: string): void {
    this.notes.push(note);
    this.isEdited = true;
  }
}
