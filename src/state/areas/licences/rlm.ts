import type { LicenceFacts } from './facts.ts';
import { isHostName } from './host-ids.ts';
import { dayOf, lastDay, unique, wordsOf } from './tokens.ts';

/** One statement of a Reprise (RLM) licence file. A line that begins with no keyword goes on with the one before. */
export type RlmStatement =
  | { readonly kind: 'host'; readonly host: string; readonly hostId: string; readonly rest: readonly string[] }
  | { readonly kind: 'isv'; readonly name: string; readonly rest: readonly string[] }
  | RlmLicence
  | { readonly kind: 'other'; readonly text: string };

export interface RlmLicence {
  readonly kind: 'licence';
  readonly isv: string;
  readonly product: string;
  readonly version: string;
  readonly ends: string;
  readonly count: string;
  readonly options: readonly string[];
}

const KEYWORD = /^\s*(HOST|SERVER|ISV|VENDOR|DAEMON|LICENSE|FEATURE|INCREMENT|UPGRADE|CUSTOMER|#)/i;
const COUNT = /^(\d+(\/\w+)?|uncounted|single|token|token_bounded|token_unlocked|0)$/i;

export function parseRlm(text: string): RlmStatement[] {
  const statements: string[][] = [];
  let isLicence: boolean = false;
  for (const line of text.split('\n')) {
    const isContinued: boolean = isLicence && !KEYWORD.test(line) && line.trim() !== '';
    if (isContinued) statements.at(-1)?.push(line.replace(/\r$/, ''));
    else statements.push([line]);
    isLicence = isContinued || /^\s*LICENSE\s/i.test(line);
  }
  return statements.map((lines) => statementOf(lines.join(' ')));
}

function statementOf(text: string): RlmStatement {
  const [keyword = '', ...words] = wordsOf(text);
  const [first, second, ...rest] = words;
  switch (keyword.toUpperCase()) {
    case 'HOST':
      if (first === undefined || !isHostName(first) || !/^[\w=:.*@-]{3,200}$/.test(second ?? '')) break;
      return { kind: 'host', host: first, hostId: second ?? '', rest };
    case 'ISV':
      if (first === undefined || !/^[\w.-]+$/.test(first)) break;
      return { kind: 'isv', name: first, rest: words.slice(1) };
    case 'LICENSE': {
      const [isv, product, version, ends, count, ...options] = words;
      if (isv === undefined || product === undefined || version === undefined || ends === undefined) break;
      if (dayOf(ends) === undefined || !COUNT.test(count ?? '')) break;
      return { kind: 'licence', isv, product, version, ends, count: count ?? '', options };
    }
  }
  return { kind: 'other', text };
}

/** Writes statements, one a line. */
export function writeRlm(statements: readonly RlmStatement[]): string {
  return statements
    .map((one) => {
      if (one.kind === 'other') return one.text;
      if (one.kind === 'host') return ['HOST', one.host, one.hostId, ...one.rest].join(' ');
      if (one.kind === 'isv') return ['ISV', one.name, ...one.rest].join(' ');
      return ['LICENSE', one.isv, one.product, one.version, one.ends, one.count, ...one.options].join(' ');
    })
    .join('\n');
}

/** What an RLM licence file is bound to; undefined where a text is none. */
export function rlmFacts(text: string): LicenceFacts | undefined {
  const statements = parseRlm(text);
  const hosts = statements.filter((one) => one.kind === 'host');
  const licences = statements.filter((one) => one.kind === 'licence');
  if (hosts.length === 0 && licences.length === 0) return undefined;
  const isvs = statements.flatMap((one) => (one.kind === 'isv' ? [one.name] : []));
  const endsMs = lastDay(licences.map(({ ends }) => dayOf(ends)));
  return {
    format: 'RLM',
    vendor: unique([...licences.map(({ isv }) => isv), ...isvs]).join(', '),
    products: unique(licences.map(({ product }) => product)),
    servers: hosts.map(({ host, hostId }) => ({ host, hostId })),
    hostIds: unique(licences.flatMap(({ options }) => hostIdsIn(options))),
    lacksServer: hosts.length === 0 && licences.some(({ count }) => Number.parseInt(count, 10) > 0),
    ...(endsMs !== undefined && { endsMs }),
  };
}

function hostIdsIn(options: readonly string[]): string[] {
  return options
    .filter((option) => /^hostid=/i.test(option))
    .flatMap((option) => option.slice('hostid='.length).trim().split(/\s+/))
    .filter((id) => id !== '');
}

/** Gives HOST lines another host name where `to` has one for theirs; all else stays to the byte. */
export function renameHosts(text: string, to: (host: string) => string | undefined): string {
  return text
    .split('\n')
    .map((line) => {
      const one = statementOf(line);
      const name = one.kind === 'host' ? to(one.host) : undefined;
      if (one.kind !== 'host' || name === undefined) return line;
      const before = /^\s*\S+\s+"?/.exec(line)?.[0] ?? '';
      return `${before}${name}${line.slice(before.length + one.host.length)}`;
    })
    .join('\n');
}
