/** Changes to texts of lines: settings, tables, sections. */
import type { Random } from '../../faults/scenario.ts';
import { replaced } from './bytes.ts';

/** What readers of texts trip over: those without blanks, and those with. */
const TOKENS: readonly string[] = [
  ...String.raw`\ \\ " ' ${'`'} # ; = : , / // .. ../.. /./ ~ * ? ** [ ] [] [a { } {{ < > </ <!-- --> & &amp; &#0; &#x110000;
    <![CDATA[ % %% %s %n $ $(id) $x $$ ! !x @ @@ + - -- | || |- >- 0 -0 -1 1 00 0x10 1e3 1e999 1.5 255 256 65535 65536
    4294967294 4294967295 4294967296 9007199254740991 9007199254740993 18446744073709551616 NaN Infinity null true
    false yes no on __proto__ constructor prototype toString hasOwnProperty valueOf length __proto__:x root x a=b key=
    =value /etc/passwd 127.0.0.1 ::1 fe80::1%lo --- ... && << '' "" [Section] [[ ]] include @include 2026-01-01
    0000-00-00 99999-99-99 !!set !<tag:x> é ß İ ﬀ 𝟘 Ⅷ ¹`.split(/\s+/),
  ...[
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    '\0',
    '\\\n',
    '- ',
    '&a ',
    '*a',
    '<<: *a',
    '? ',
    ': ',
    '!!binary ',
    '%YAML 1.1',
  ],
  ...['Include *', '\ufeff', '\u2028', '\u0085', '\u200b', '\u202e', '\u00a0', 'e\u0301', '\ud83d\ude00', '\u001b[2J'],
];

type Mutation = (lines: string[], random: Random, word: () => string) => string;

const END = '\n';
const joined = (lines: readonly string[]): string => lines.join(END);

const ON_LINES: readonly Mutation[] = [
  (lines, random) => joined(lines.toSpliced(random.integer(lines.length), 1 + random.integer(3))),
  (lines, random) => {
    const at = random.integer(lines.length);
    return joined(lines.toSpliced(at, 0, ...Array.from({ length: random.pick([1, 1, 2, 30]) }, () => lines[at]!)));
  },
  (lines, random) => {
    const [one, other] = [random.integer(lines.length), random.integer(lines.length)];
    return joined(lines.with(one, lines[other]!).with(other, lines[one]!));
  },
  (lines, random) => {
    const at = random.integer(lines.length);
    return joined(lines.with(at, lines[at]! + random.pick(['\\', ' ', '\t#', '\r', '"'])));
  },
  (lines, random) => joined(lines.toSpliced(random.integer(lines.length), 0, random.pick(lines).trim())),
  (lines, random) =>
    joined(lines)
      .split(END, random.integer(lines.length) + 1)
      .join(random.pick([END, '\r\n', ' '])),
  (lines, random) => {
    const at = random.integer(lines.length);
    return joined(lines.with(at, random.pick([' ', '\t', '  ', '    ', '#', ';', '- ']) + lines[at]!));
  },
  (lines, random, word) => joined(lines.with(random.integer(lines.length), word())),
];

const PIECE = /[\p{L}\p{N}_.-]+|\s+|[^\p{L}\p{N}\s]/gu;

/** One word of the text, or what stands between two, becomes another, or two, or none. */
function withWord(text: string, random: Random, word: () => string): string {
  const pieces = text.slice(0, 20_000).match(PIECE) ?? [''];
  const at = random.integer(pieces.length);
  const by = random.pick([word(), pieces[random.integer(pieces.length)]!, pieces[at]! + word(), word() + pieces[at]!]);
  return pieces.toSpliced(at, random.integer(6) > 0 ? 1 : 0, by).join('') + text.slice(20_000);
}

/** `words`: those that mean something to whoever reads it. */
export function mutateText(bytes: Buffer, random: Random, words: readonly string[]): Buffer {
  const word = (): string => (words.length > 0 && random.integer(2) === 0 ? random.pick(words) : random.pick(TOKENS));
  if (random.integer(12) === 0) {
    const at = random.integer(bytes.length + 1);
    return replaced(bytes, at, at, random.pick([Buffer.of(0xff), Buffer.of(0xc0, 0x80), Buffer.of(0xed, 0xa0, 0x80)]));
  }
  const text = bytes.toString('utf8');
  if (random.integer(5) < 3) return Buffer.from(withWord(text, random, word));
  return Buffer.from(random.pick(ON_LINES)(text.split(END), random, word));
}
