import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar, visit, type YAMLMap } from 'yaml';
import { addressIn } from './addresses.ts';
import type { StaticAddress } from './fit.ts';

/** Reading YAML takes time that grows faster than the text does. */
const NETPLAN_MAX_CHARS = 64 * 1024;

/** A netplan file; a text says what is wrong with it. */
export function parseNetplan(text: string): Document | string {
  if (text.length > NETPLAN_MAX_CHARS) return 'it is too long';
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

export interface Device {
  readonly group: string;
  /** Its key: the id, and where nothing matches, the interface's name. */
  readonly key: Scalar<string>;
  readonly map: YAMLMap;
}

/** Every device of it, in order. */
export function devicesOf(document: Document): Device[] {
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
export function keyfileSettings(map: YAMLMap): { setting: string; value: string; parts: YAMLMap }[] {
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
