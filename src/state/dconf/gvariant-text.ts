import type { GVariant } from './gvariant.ts';

/** Types whose values look like those of another one, and the word that tells them apart. */
const WORDS: Readonly<Record<string, string>> = {
  ...{ y: 'byte', n: 'int16', q: 'uint16', u: 'uint32', x: 'int64', t: 'uint64', h: 'handle' },
  ...{ o: 'objectpath', g: 'signature' },
};

/** A value as `dconf dump` prints it and `dconf load` reads it. */
export function printGVariant(value: GVariant, tellsType = true): string {
  const { type } = value;
  const word = tellsType && WORDS[type.kind] ? `${WORDS[type.kind]} ` : '';
  switch (value.kind) {
    case 'boolean':
      return String(value.value);
    case 'bigint':
      return word + value.value;
    case 'text':
      return word + quoted(value.value);
    case 'number':
      if (type.kind === 'd') return printDouble(value.value);
      return word + (type.kind === 'y' ? hex(value.value) : value.value);
    case 'members':
      return printMembers(value, tellsType);
  }
}

type Members = Extract<GVariant, { kind: 'members' }>;

function printMembers(value: Members, tellsType: boolean): string {
  const { type, members } = value;
  const [first, second] = members;
  switch (type.kind) {
    case 'v':
      return `<${first ? printGVariant(first) : ''}>`;
    case 'm':
      return `${tellsType ? `@${type.text} ` : ''}${printMaybe(value)}`;
    case '(': {
      const inner = members.map((member) => printGVariant(member, tellsType));
      return members.length === 1 ? `(${inner[0]},)` : `(${inner.join(', ')})`;
    }
    case '{':
      return first && second ? `{${printGVariant(first, tellsType)}, ${printGVariant(second, tellsType)}}` : '{}';
    default:
      return printArray(value, tellsType);
  }
}

/** What is there goes without a word, unless in the end nothing is. */
function printMaybe({ members: [inner] }: Members): string {
  if (!inner) return 'nothing';
  if (inner.kind !== 'members' || inner.type.kind !== 'm') return printGVariant(inner, false);
  const text = printMaybe(inner);
  return text.endsWith('nothing') && isNothing(inner) ? `just ${text}` : text;
}

function isNothing({ type, members: [inner] }: Members): boolean {
  if (type.kind !== 'm') return false;
  return inner === undefined || (inner.kind === 'members' && isNothing(inner));
}

function printArray(value: Members, tellsType: boolean): string {
  const { type, members } = value;
  const isDictionary = type.inner[0]?.kind === '{';
  if (members.length === 0) return `${tellsType ? `@${type.text} ` : ''}${isDictionary ? '{}' : '[]'}`;
  const text = type.text === 'ay' ? byteText(members) : undefined;
  if (text !== undefined) return text;
  // The first one tells the type for all.
  const inner = members.map((member, at) => {
    const tells = tellsType && at === 0;
    const [key, content] = member.kind === 'members' ? member.members : [];
    if (!isDictionary || !key || !content) return printGVariant(member, tells);
    return `${printGVariant(key, tells)}: ${printGVariant(content, tells)}`;
  });
  return isDictionary ? `{${inner.join(', ')}}` : `[${inner.join(', ')}]`;
}

/** Bytes that end with the only NUL are shown as text. */
function byteText(members: readonly GVariant[]): string | undefined {
  const bytes = members.map((member) => (member.kind === 'number' ? member.value : 0));
  if (bytes.indexOf(0) !== bytes.length - 1) return undefined;
  const shown = bytes.slice(0, -1).map((byte) => {
    const char = String.fromCharCode(byte);
    if (SHORT[char] !== undefined || char === '"') return SHORT[char] ?? '\\"';
    return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : char;
  });
  const quote = bytes.includes(0x27) ? '"' : "'";
  return `b${quote}${shown.join('')}${quote}`;
}

const SHORT: Readonly<Record<string, string>> = {
  ...{ '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v' },
};

function quoted(text: string): string {
  const quote = text.includes("'") ? '"' : "'";
  const shown = [...text].map((char) => {
    if (char === quote) return `\\${char}`;
    if (char === '\u0007') return '\\a';
    if (SHORT[char] !== undefined) return SHORT[char];
    if (!/[\p{Cc}\p{Cf}\p{Cn}\p{Cs}]/u.test(char)) return char;
    const code = char.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `${quote}${shown.join('')}${quote}`;
}

/** With 17 digits, as C's `%.17g`, and a point so that it is no integer. */
function printDouble(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [, sign = '', mantissa = '', exponent = '0'] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(value.toExponential(16)) ?? [];
  const power = Number(exponent);
  if (power < -4 || power >= 17) {
    const size = String(Math.abs(power)).padStart(2, '0');
    return `${signOf(value, sign)}${trimmed(mantissa)}e${power < 0 ? '-' : '+'}${size}`;
  }
  const plain = trimmed(Math.abs(value).toFixed(16 - power));
  return `${signOf(value, sign)}${plain.includes('.') ? plain : `${plain}.0`}`;
}

const signOf = (value: number, sign: string): string => (Object.is(value, -0) ? '-' : sign);

const trimmed = (digits: string): string => (digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits);

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;
