import { type Document, isMap, isScalar, isSeq, type Scalar, visit, type YAMLMap } from 'yaml';
import type { ConfigFile } from '../base/config-file.ts';
import { type FitAbout, type Fitted, type Refusal, staticRefusal } from './fit.ts';
import { mapPermissions } from './keyfile.ts';
import { type Device, devicesOf, keyfileSettings, netplanAddresses, parseNetplan } from './netplan-document.ts';
import type { AdapterKind } from './schema.ts';

/** Groups of devices that are there by themselves; the others (bridges, bonds, vlans, tunnels) are made. */
const KIND_BY_GROUP: ReadonlyMap<string, AdapterKind> = new Map(
  Object.entries<AdapterKind>({ ethernets: 'ethernet', wifis: 'wifi', modems: 'mobile' }),
);
/** Names of all adapters of a kind, as systemd gives them. */
const PATTERN_BY_KIND: Partial<Record<AdapterKind, string>> = { ethernet: 'en*', wifi: 'wl*', mobile: 'ww*' };
const BOUND_SETTING = /\.(?:cloned-)?mac-address$|\.dhcp-(?:client-id|duid|iaid|hostname|fqdn)$|^gsm\.device-id$/;
/** Keys whose values name devices by their ids. */
const REFERS = new Set(['interfaces', 'link', 'primary']);

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
  readonly #patterns = new Set<string>();
  readonly #document: Document;
  readonly #about: FitAbout;

  constructor(document: Document, about: FitAbout) {
    this.#document = document;
    this.#about = about;
  }

  fit(device: Device): void {
    const { group, key, map } = device;
    const kind = KIND_BY_GROUP.get(group);
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
      const to = place.adapter.interface;
      if (devicesOf(this.#document).some((one) => one.key.value === to)) {
        this.#ask(name, `${to} stands for another one already`);
        return;
      }
      this.#rename(key, to);
      this.#note(`${name} is ${to} here`);
      return;
    }
    const pattern = this.#patternFor(name, kind);
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
      const pattern = this.#patternFor(id, kind);
      const why = place.kind === 'none' ? place.why : 'it has no address';
      if (name === undefined && !pattern) {
        this.#ask(id, why);
        return;
      }
      match.delete('macaddress');
      map.delete('set-name');
      if (name === undefined) match.set('name', pattern);
      this.#note(`${id} is no longer bound to one adapter: ${why}`);
    } else if (typeof name === 'string') {
      const place = this.#about.adapters.ofName(name, kind);
      if (place.kind === 'keep') return;
      const to = place.kind === 'adapter' ? place.adapter.interface : this.#patternFor(id, kind);
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

  /** One that means all adapters of a kind; none for what a bridge or the like is made of, nor for a second device. */
  #patternFor(id: string, kind: AdapterKind): string | undefined {
    const pattern = PATTERN_BY_KIND[kind];
    if (!pattern || this.#patterns.has(pattern) || this.#referencesTo(id).length > 0) return undefined;
    this.#patterns.add(pattern);
    return pattern;
  }

  #rendererOf(map: YAMLMap): unknown {
    return map.get('renderer') ?? this.#document.getIn(['network', 'renderer']);
  }

  /** The device's own key, and every place that names it. */
  #rename(key: Scalar<string>, to: string): void {
    for (const one of this.#referencesTo(key.value)) one.value = to;
    key.value = to;
  }

  #referencesTo(id: string): Scalar[] {
    const found: Scalar[] = [];
    visit(this.#document, {
      Pair: (_, pair) => {
        if (!isScalar(pair.key) || !REFERS.has(String(pair.key.value))) return;
        const named = isSeq(pair.value) ? pair.value.items : [pair.value];
        found.push(...named.filter((one): one is Scalar => isScalar(one) && one.value === id));
      },
    });
    return found;
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
