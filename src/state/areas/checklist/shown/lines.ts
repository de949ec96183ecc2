import type { Checklist, ChecklistGroup, ChecklistItem, ChecklistMachine } from '../types.ts';
import { countsOf, needsSomebody, sentenceOf } from '../verdicts.ts';
import { byWeight, isPlaceholder, type ShownVerdict, shownTime, shownVerdict, tally, WORDS } from './words.ts';

export interface LineOptions {
  /** Items that are as they were, too. */
  readonly all: boolean;
  readonly colour: boolean;
  /** Lines are broken at it; undefined: they are not. */
  readonly widthChars?: number | undefined;
}

const VERDICT_CHARS = 11;
const NAME_CHARS = 10;
const INDENT = ' '.repeat(VERDICT_CHARS + 2);
/** A terminal that is narrower gets longer lines than it is wide. */
const WIDTH_LEAST = 50;
/** Items that a summary names. */
const SUMMARY_ITEMS_MAX = 20;

/** As terminals number them: green, cyan, yellow, red, faint. */
const COLOUR: Readonly<Record<ShownVerdict, number>> = {
  same: 32,
  changed: 36,
  person: 33,
  withheld: 33,
  failed: 31,
  skipped: 2,
};
const BOLD = 1;

/** A checklist for a terminal: what is not as it was in full, the rest counted. */
export function checklistLines(checklist: Checklist, options: LineOptions): string[] {
  const { restore, source, machine, into, capturedAt, restoredAt, madeAt, counts, groups } = checklist;
  const target = into === '/' ? '' : ` into ${into}`;
  const head = [
    `Checklist of restore ${restore}`,
    `  from  ${shownMachine(source)}${capturedAt === null ? '' : `, captured ${shownTime(capturedAt)}`}`,
    `  to    ${shownMachine(machine)}, restored${target} ${shownTime(restoredAt)}`,
    `  made  ${shownTime(madeAt)}`,
    '',
    painted(sentenceOf(counts), BOLD, options),
    '',
  ];
  return [...head, ...groups.flatMap((group) => groupLines(group, options))];
}

/** What a restore says at its end: the sentence, what needs somebody, and where there is more. */
export function summaryLines({ groups, counts, restore }: Checklist): string[] {
  const items = groups.flatMap((group) => group.items.filter(needsSomebody)).sort(byWeight);
  const named = items
    .slice(0, SUMMARY_ITEMS_MAX)
    .flatMap((item) => [
      `  ${WORDS[shownVerdict(item)]}: ${item.title}: ${item.observed}`,
      ...(item.remedy ? [`    -> ${item.remedy}`] : []),
    ]);
  const more = items.length > SUMMARY_ITEMS_MAX ? [`  and ${items.length - SUMMARY_ITEMS_MAX} more`] : [];
  return [sentenceOf(counts), ...named, ...more, `"resettle checklist ${restore}" shows it item by item.`];
}

const shownMachine = ({ name, os }: ChecklistMachine): string => (os ? `${name} (${os})` : name);

function groupLines({ name, items }: ChecklistGroup, options: LineOptions): string[] {
  const heading = painted(name, BOLD, options);
  const [first] = items;
  if (items.length === 1 && first && isPlaceholder(first)) {
    return broken(`${heading}  left out: ${first.observed}`, '  ', options);
  }
  const counted = tally(countsOf(items)).map(({ verdict, count }) => `${count} ${WORDS[verdict]}`);
  const shown = items.filter(({ verdict }) => options.all || verdict !== 'same').sort(byWeight);
  return [`${heading}  ${counted.join(', ')}`, ...shown.flatMap((item) => itemLines(item, options))];
}

function itemLines(item: ChecklistItem, options: LineOptions): string[] {
  const verdict = shownVerdict(item);
  const word = painted(WORDS[verdict].toUpperCase().padEnd(VERDICT_CHARS), COLOUR[verdict], options);
  const field = (name: string, text: string): string[] =>
    broken(`${INDENT}${name.padEnd(NAME_CHARS)}${text}`, ' '.repeat(INDENT.length + NAME_CHARS), options);
  return [
    ...broken(`  ${word}${item.title}`, INDENT, options),
    ...(item.expected === item.observed ? [] : field('expected', item.expected)),
    ...field('found', item.observed),
    ...(item.names ?? []).flatMap((name) => field('', name)),
    ...field('known by', item.evidence),
    ...(item.remedy === undefined ? [] : field('to do', item.remedy)),
  ];
}

/** One line or several, none longer than the terminal where it has blanks to be broken at. */
function broken(line: string, indent: string, { widthChars }: LineOptions): string[] {
  const room = widthChars === undefined ? Number.POSITIVE_INFINITY : Math.max(WIDTH_LEAST, widthChars);
  const lines: string[] = [];
  let rest = line;
  while (rest.length > room) {
    const at = rest.lastIndexOf(' ', room);
    if (at <= indent.length) break;
    lines.push(rest.slice(0, at));
    rest = `${indent}${rest.slice(at + 1)}`;
  }
  return [...lines, rest];
}

const painted = (text: string, code: number, { colour }: LineOptions): string =>
  colour ? `\u001b[${code}m${text}\u001b[0m` : text;
