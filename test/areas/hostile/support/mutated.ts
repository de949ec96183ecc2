/** Steps by which a document is changed: where, and what is put there. Numbers of any size are taken modulo what there is. */
export interface Mutation {
  readonly at: number;
  readonly how: number;
  readonly value: number;
}

/** What breaks lines, paths, numbers, terminals and objects. */
const NASTY: readonly unknown[] = [
  ...[
    '',
    '\n',
    'x\ny',
    'x\r\ny',
    '\u0000',
    'a:b',
    'a,b',
    ' ',
    '\t',
    '#',
    '"',
    "'",
    '\\',
    '\\\n',
    '$(id)',
    '`id`',
    '%n',
  ],
  ...[
    '../../etc/shadow',
    '/',
    '/etc',
    '/etc/passwd',
    '/etc/cron.d/x',
    '/root/.ssh/authorized_keys',
    '/home/bob',
    '//',
    '.',
    '..',
  ],
  ...[
    '/home/bob/../../etc',
    '/etc/\nx',
    '\u001b]0;owned\u0007',
    '\u202e',
    '\ud800',
    '\u2028',
    'é',
    'x'.repeat(5000),
    '0',
    '-1',
    '1e9',
  ],
  ...[
    'root',
    'bob',
    'sudo',
    '*',
    '@',
    '%',
    '!',
    '+',
    '-',
    '[x]',
    '<x>',
    'file:/etc/passwd',
    '::1',
    '0.0.0.0',
    'localhost',
    'none',
  ],
  ...[0, -1, 1, 0.5, 999, 1000, 65_534, 2 ** 31, 2 ** 32 - 2, 2 ** 32, 2 ** 53, -0],
  ...[null, true, false, [], {}, [[]], [null], { length: 1 }, JSON.parse('{"__proto__":{"x":1}}')],
];

type Place = { readonly holder: Record<string, unknown>; readonly key: string };

function placesIn(value: unknown, found: Place[]): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push({ holder: value as Record<string, unknown>, key });
    placesIn((value as Record<string, unknown>)[key], found);
  }
  return found;
}

/** A changed copy. Where a value is a text, it is changed rather than replaced most of the time. */
export function mutated(document: unknown, mutations: readonly Mutation[]): unknown {
  const copy: unknown = structuredClone(document);
  for (const { at, how, value } of mutations) {
    const places = placesIn(copy, []);
    const place = places[at % places.length];
    if (!place) continue;
    const { holder, key } = place;
    const old = holder[key];
    const nasty = structuredClone(NASTY[value % NASTY.length]);
    if (how % 8 === 0) delete holder[key];
    else if (how % 8 === 1 && Array.isArray(old)) old.push(...structuredClone(old));
    else if (how % 8 === 2)
      holder[key] = structuredClone(places[value % places.length]!.holder[places[value % places.length]!.key]);
    else if (typeof old === 'string' && how % 8 <= 5) holder[key] = inserted(old, String(nasty), how, value);
    else holder[key] = nasty;
  }
  return copy;
}

function inserted(old: string, nasty: string, how: number, value: number): string {
  const middle = old.length === 0 ? 0 : value % (old.length + 1);
  if (how % 3 === 0) return `${old}${nasty}`;
  return how % 3 === 1 ? `${nasty}${old}` : `${old.slice(0, middle)}${nasty}${old.slice(middle)}`;
}
