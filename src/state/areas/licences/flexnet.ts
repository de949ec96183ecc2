import type { LicenceFacts } from './facts.ts';
import { isHostName } from './host-ids.ts';
import { dayOf, lastDay, unique, wordsOf } from './tokens.ts';

/** One statement of a FlexNet licence file; lines that end in `\` go on in the next. */
export type FlexStatement =
  | { readonly kind: 'server'; readonly host: string; readonly hostId: string; readonly rest: readonly string[] }
  | { readonly kind: 'vendor'; readonly name: string; readonly rest: readonly string[] }
  | { readonly kind: 'use-server' }
  | FlexFeature
  | { readonly kind: 'other'; readonly text: string };

export interface FlexFeature {
  readonly kind: 'feature';
  readonly keyword: 'FEATURE' | 'INCREMENT';
  readonly name: string;
  readonly vendor: string;
  readonly version: string;
  readonly ends: string;
  /** A number, or `uncounted`. */
  readonly count: string;
  /** `NAME=VALUE`, or a word alone. */
  readonly options: readonly string[];
}

/** A line with how many lines of the file it takes. */
interface Logical {
  readonly text: string;
  readonly lines: number;
}

function* logicalLines(text: string): Generator<Logical> {
  let joined = '';
  let lines = 0;
  for (const line of text.split('\n')) {
    lines++;
    const goesOn = /\\\s*$/.test(line) && !/^\s*#/.test(line);
    joined += goesOn ? `${line.replace(/\\\s*$/, '')} ` : line;
    if (goesOn) continue;
    yield { text: joined, lines };
    joined = '';
    lines = 0;
  }
  if (lines > 0) yield { text: joined, lines };
}

export function parseFlexNet(text: string): FlexStatement[] {
  return [...logicalLines(text)].map((line) => statementOf(line.text));
}

function statementOf(text: string): FlexStatement {
  const [keyword = '', ...words] = wordsOf(text);
  const [first, second, ...rest] = words;
  switch (keyword.toUpperCase()) {
    case 'SERVER':
      if (first === undefined || second === undefined || !isServerHost(first) || !isHostId(second)) break;
      return { kind: 'server', host: first, hostId: second, rest };
    case 'VENDOR':
    case 'DAEMON':
      if (first === undefined || !/^[\w.-]+$/.test(first)) break;
      return { kind: 'vendor', name: first, rest: words.slice(1) };
    case 'USE_SERVER':
      if (words.length > 0) break;
      return { kind: 'use-server' };
    case 'FEATURE':
    case 'INCREMENT': {
      const [name, vendor, version, ends, count, ...options] = words;
      if (name === undefined || vendor === undefined || version === undefined || ends === undefined) break;
      if (dayOf(ends) === undefined || !/^(\d+|uncounted)$/i.test(count ?? '')) break;
      const as = keyword.toUpperCase() === 'FEATURE' ? 'FEATURE' : 'INCREMENT';
      return { kind: 'feature', keyword: as, name, vendor, version, ends, count: count ?? '', options };
    }
  }
  return { kind: 'other', text };
}

/** A name, an address, or what FlexNet fills in itself; `TCP:` before it is an old way to say the protocol. */
const isServerHost = (text: string): boolean => text === 'this_host' || isHostName(text) || /^[\da-f:.]+$/i.test(text);
const isHostId = (text: string): boolean => /^[\w=:.*@+ -]{3,200}$/.test(text);

/** Writes statements, one a line. */
export function writeFlexNet(statements: readonly FlexStatement[]): string {
  return statements.map(writeStatement).join('\n');
}

function writeStatement(one: FlexStatement): string {
  switch (one.kind) {
    case 'server':
      return ['SERVER', one.host, quoted(one.hostId), ...one.rest.map(quoted)].join(' ');
    case 'vendor':
      return ['VENDOR', one.name, ...one.rest.map(quoted)].join(' ');
    case 'use-server':
      return 'USE_SERVER';
    case 'feature':
      return [one.keyword, one.name, one.vendor, one.version, one.ends, one.count, ...one.options.map(quoted)].join(
        ' ',
      );
    case 'other':
      return one.text;
  }
}

function quoted(word: string): string {
  if (word !== '' && !/\s/.test(word)) return word;
  const at = word.indexOf('=');
  return at < 0 ? `"${word}"` : `${word.slice(0, at + 1)}"${word.slice(at + 1)}"`;
}

/** What a FlexNet licence file is bound to; undefined where a text is none. */
export function flexNetFacts(text: string): LicenceFacts | undefined {
  const statements = parseFlexNet(text);
  const servers = statements.filter((one) => one.kind === 'server');
  const features = statements.filter((one) => one.kind === 'feature');
  if (servers.length === 0 && features.length === 0) return undefined;
  const vendors = unique([
    ...features.map(({ vendor }) => vendor),
    ...statements.flatMap((one) => (one.kind === 'vendor' ? [one.name] : [])),
  ]);
  const endsMs = lastDay(features.map(({ ends }) => dayOf(ends)));
  return {
    format: 'FlexNet',
    vendor: vendors.join(', '),
    products: unique(features.map(({ name }) => name)),
    servers: servers.map(({ host, hostId }) => ({ host, hostId })),
    hostIds: unique(features.flatMap(({ options }) => hostIdsIn(options))),
    lacksServer: servers.length === 0 && features.some(needsServer),
    ...(endsMs !== undefined && { endsMs }),
  };
}

const needsServer = ({ count, options }: FlexFeature): boolean => Number(count) > 0 && hostIdsIn(options).length === 0;

function hostIdsIn(options: readonly string[]): string[] {
  return options
    .filter((option) => /^HOSTID=/i.test(option))
    .flatMap((option) => option.slice('HOSTID='.length).trim().split(/\s+/))
    .filter((id) => id !== '');
}

/**
 * Gives SERVER lines another host name where `to` has one for theirs. All else stays to the byte: what is signed is the
 * host id, never the name.
 */
export function renameServers(text: string, to: (host: string) => string | undefined): string {
  const lines = text.split('\n');
  let at = 0;
  for (const logical of logicalLines(text)) {
    const one = statementOf(logical.text);
    const name = one.kind === 'server' ? to(one.host) : undefined;
    if (one.kind === 'server' && name !== undefined) {
      // The host is the second word; where the line is continued it may stand in the next.
      for (let line = at; line < at + logical.lines; line++) {
        const changed = replaceHost(lines[line] ?? '', one.host, name, line === at);
        if (changed === undefined) continue;
        lines[line] = changed;
        break;
      }
    }
    at += logical.lines;
  }
  return lines.join('\n');
}

function replaceHost(line: string, host: string, name: string, isFirst: boolean): string | undefined {
  const before = (isFirst ? /^\s*\S+\s+"?/ : /^\s*"?/).exec(line)?.[0];
  if (before === undefined || !line.slice(before.length).startsWith(host)) return undefined;
  return `${before}${name}${line.slice(before.length + host.length)}`;
}
