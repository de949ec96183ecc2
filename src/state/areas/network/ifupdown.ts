import { isIP } from 'node:net';
import type { ConfigFile } from '../base/config-file.ts';
import { addressIn, maskOf } from './addresses.ts';
import { type FitAbout, type Fitted, type Refusal, type StaticAddress, staticRefusal } from './fit.ts';

/** A line of /etc/network/interfaces: its words, and the interface whose stanza it stands in. */
interface InterfacesLine {
  /** With its line end; lines that a backslash continues are one. */
  readonly raw: string;
  readonly words: readonly string[];
  readonly interface: string;
  readonly method: string;
}

/** Lines whose words after the first are interfaces. */
const NAMES_FOLLOW =
  /^(?:auto|allow-[\w-]+|no-auto-down|no-scripts|bridge[-_]ports|bond[-_](?:slaves|master|primary)|vlan[-_]raw[-_]device)$/;
/** Lines whose second word is one. */
const NAME_IS_SECOND = /^(?:iface|mapping)$/;
/** What is run by root when an interface comes or goes. */
const COMMAND = /^(?:pre-up|up|post-up|down|pre-down|post-down|script|map)$/;
const SOURCE = /^source(?:-directory)?$/;
/** Files that root's own tools read further, where only root writes. */
const BESIDE = /^(?:\/etc\/network\/)?interfaces\.d(?:\/(?!.*\.\.)|$)/;
const READS: ReadonlyMap<string, RegExp> = new Map(
  Object.entries<RegExp>({
    source: BESIDE,
    'source-directory': BESIDE,
    'wpa-conf': /^\/etc\/wpa_supplicant\/[^/]+$/,
  }),
);

export function parseInterfaces(text: string): readonly InterfacesLine[] {
  const lines: InterfacesLine[] = [];
  let now = { interface: '', method: '' };
  for (const raw of text.match(/(?:[^\n]*\\\n)*[^\n]*(?:\n|$)/g) ?? []) {
    if (raw === '') continue;
    const words = /^\s*#/.test(raw) ? [] : raw.replaceAll('\\\n', ' ').trim().split(/\s+/);
    const [first = '', name = '', , method = ''] = words;
    if (first === 'iface') now = { interface: name, method };
    else if (NAME_IS_SECOND.test(first) || SOURCE.test(first) || /^(?:auto|allow-[\w-]+|template)$/.test(first)) {
      now = { interface: '', method: '' };
    }
    lines.push({ raw, words: words[0] === '' ? [] : words, ...now });
  }
  return lines;
}

/** What Debian installs where something else sets the network up. */
export const isOnlyLoopback = (lines: readonly InterfacesLine[]): boolean =>
  lines.every(({ words: [first, second], interface: name }) => {
    if (first === undefined || first === 'source') return true;
    return first === 'auto' ? second === 'lo' : name === 'lo';
  });

/** What ifup would not read. */
export function interfacesProblem(lines: readonly InterfacesLine[]): string | undefined {
  for (const { words } of lines) {
    const [first = '', second, family, method] = words;
    if (first === 'iface' && (!second || (family !== 'inherits' && !method))) return 'an iface line is not whole';
    if ((first === 'auto' || SOURCE.test(first)) && !second) return `${first} names nothing`;
  }
  const loose = lines.find(
    ({ words, interface: name }) =>
      name === '' &&
      words.length > 0 &&
      !/^(?:auto|allow-|no-|iface|mapping|source|script|map|template|rename)/.test(words[0] ?? ''),
  );
  return loose && `${loose.words[0]} stands in no iface`;
}

export function interfacesAddresses(lines: readonly InterfacesLine[]): StaticAddress[] {
  return lines.flatMap(({ words: [key, value = ''], interface: name, method }): StaticAddress[] => {
    if (key !== 'address' || !['static', 'manual', 'v4tunnel', 'tunnel'].includes(method)) return [];
    const beside = (wanted: string): string | undefined =>
      lines.find((line) => line.interface === name && line.words[0] === wanted)?.words[1];
    const gateway = beside('gateway');
    const netmask = value.includes('/') ? undefined : beside('netmask');
    const mask = netmask && /^\d+$/.test(netmask) ? maskOf(isIP(value) === 4, Number(netmask)) : netmask;
    return [{ interface: name, ...addressIn(value), ...(mask && { mask }), ...(gateway && { gateway }) }];
  });
}

export function fitInterfaces(file: ConfigFile, text: string, about: FitAbout): Fitted {
  const lines = parseInterfaces(text);
  const runs = lines.some(({ words: [first = ''] }) => COMMAND.test(first));
  const leaves = lines.some(({ words: [first = '', ...paths] }) =>
    paths.some((path) => READS.get(first)?.test(path) === false),
  );
  const base = { path: file.path, effect: runs || leaves ? 'root-runs' : 'network' } as const;
  const problem = text.includes('\0') ? 'it holds a NUL' : interfacesProblem(lines);
  if (problem) return { ...base, notes: [], refusal: { kind: 'withhold', why: problem } };
  if (about.adapters.identity === 'same') return { ...base, notes: [] };
  const notes = new Set<string>();
  const takenBy = new Map<string, string>();
  let refusal: Refusal | undefined = staticRefusal(interfacesAddresses(lines), about);
  const renamed = (name: string): string => {
    const [adapter = '', rest = ''] = [/^[^.:@=/]*/.exec(name)?.[0], /[.:@=/].*$/s.exec(name)?.[0]];
    const place = about.adapters.ofName(adapter);
    if (place.kind === 'keep') return name;
    if (place.kind === 'none') {
      const why = `it is about the adapter ${adapter}, and ${place.why}; write it anew for this machine`;
      refusal ??= { kind: 'ask', why };
      return name;
    }
    const to = place.adapter.interface;
    if ((takenBy.get(to) ?? adapter) !== adapter) {
      refusal ??= { kind: 'ask', why: `${adapter} and ${takenBy.get(to)} are one adapter here; write it anew` };
    }
    takenBy.set(to, adapter);
    notes.add(`${adapter} is ${to} here`);
    return to + rest;
  };
  const fitted = lines
    .map((line) => {
      if (line.words[0] !== 'hwaddress' || line.words.includes('random')) return renameIn(line, renamed);
      notes.add('it no longer feigns a hardware address');
      return '';
    })
    .join('');
  return { ...base, text: fitted, notes: [...notes], ...(refusal && { refusal }) };
}

/** The line with its interfaces renamed, blanks and all else as they were. */
function renameIn({ raw, words }: InterfacesLine, renamed: (name: string) => string): string {
  const [first = ''] = words;
  const last = NAMES_FOLLOW.test(first) ? words.length - 1 : NAME_IS_SECOND.test(first) ? 1 : 0;
  let at = -1;
  return raw.replaceAll(/[^\s\\]+/g, (word) => {
    at++;
    return at >= 1 && at <= last ? renamed(word) : word;
  });
}
