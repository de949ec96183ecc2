import { readConfLine } from './conf-line.ts';

export type QueueKind = 'Printer' | 'Class';

/** A `<Printer NAME>` or `<Class NAME>` of printers.conf or classes.conf, with the lines between its tags. */
export interface QueueBlock {
  readonly kind: QueueKind;
  readonly name: string;
  readonly isDefault: boolean;
  readonly lines: readonly string[];
}

/** A line outside of any block, or a block. */
export type QueuePart = string | QueueBlock;

/** A file of queues, in its order; what is outside of blocks stays as it is. */
export interface QueueFile {
  readonly parts: readonly QueuePart[];
  /** Blocks that never end, or begin inside of another one; they stand among the parts as plain lines. */
  readonly problems: readonly string[];
}

const BEGIN = /^<(Default)?(Printer|Class) (\S+)>$/i;

export function readQueueFile(text: string): QueueFile {
  const parts: QueuePart[] = [];
  const problems: string[] = [];
  let open: { begin: string; block: QueueBlock; lines: string[] } | undefined;
  const giveUp = () => {
    if (!open) return;
    problems.push(`${open.block.kind} ${open.block.name} has no end`);
    parts.push(open.begin, ...open.lines);
    open = undefined;
  };
  for (const line of linesOf(text)) {
    const begin = BEGIN.exec(tagOf(line));
    if (begin) {
      giveUp();
      const kind = begin[2]?.toLowerCase() === 'class' ? 'Class' : 'Printer';
      const block = { kind, name: begin[3] ?? '', isDefault: begin[1] !== undefined, lines: [] } as const;
      open = { begin: line, block, lines: [] };
    } else if (open && /^<\/(Default)?(Printer|Class)>$/i.test(tagOf(line))) {
      parts.push({ ...open.block, lines: open.lines });
      open = undefined;
    } else if (open) open.lines.push(line);
    else parts.push(line);
  }
  giveUp();
  return { parts, problems };
}

export function writeQueueFile(parts: readonly QueuePart[]): string {
  return parts.map((part) => (typeof part === 'string' ? `${part}\n` : writeBlock(part))).join('');
}

export const blocksOf = ({ parts }: QueueFile): QueueBlock[] => parts.filter((part) => typeof part !== 'string');

function writeBlock({ kind, name, isDefault, lines }: QueueBlock): string {
  const tag = `${isDefault ? 'Default' : ''}${kind}`;
  return [`<${tag} ${name}>`, ...lines, `</${tag}>`, ''].join('\n');
}

function tagOf(line: string): string {
  const read = readConfLine(line);
  return read ? `${read.keyword}${read.value === '' ? '' : ` ${read.value}`}` : '';
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
