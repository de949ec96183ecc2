/** One `key=value` of a file of groups, such as NetworkManager's and systemd's. */
export interface KeyLine {
  /** Empty before the first group. */
  readonly group: string;
  /** Groups of one name may stand more than once and mean different things: its place among all groups, from 1. */
  readonly groupNumber: number;
  readonly key: string;
  readonly value: string;
}

/** What becomes of a line: undefined, it stays; a text, its new value; null, it goes; a list, these lines instead. */
export type LineEdit = string | null | readonly string[] | undefined;

interface Piece {
  /** With its line end. */
  readonly raw: string;
  readonly line?: KeyLine;
}

/** A file of groups and keys as lines, so that an edit keeps every other byte. */
export class KeyLines {
  readonly #pieces: readonly Piece[];
  /** Names of groups in order, one for each time that a group begins. */
  readonly groups: readonly string[];
  /** Lines that are neither group, key, comment nor empty, counted from 1. */
  readonly badLines: readonly number[];

  private constructor(pieces: readonly Piece[], groups: readonly string[], badLines: readonly number[]) {
    this.#pieces = pieces;
    this.groups = groups;
    this.badLines = badLines;
  }

  /** `continues`: a line that ends with a backslash goes on in the next one, as systemd has it. */
  static parse(text: string, continues = false): KeyLines {
    const raws = text.split(/(?<=\n)/);
    const pieces: Piece[] = [];
    const groups: string[] = [];
    const badLines: number[] = [];
    for (let at = 0; at < raws.length; at++) {
      let raw = raws[at] ?? '';
      const number = at + 1;
      if (/^\s*(?:[#;].*)?$/s.test(raw)) {
        pieces.push({ raw });
        continue;
      }
      const group = /^\s*\[([^\]\n]*)\]\s*$/.exec(raw)?.[1];
      if (group !== undefined) {
        groups.push(group);
        pieces.push({ raw });
        continue;
      }
      const parts = [raw];
      while (continues && /\\\r?\n$/.test(parts.at(-1) ?? '') && at + 1 < raws.length) parts.push(raws[++at] ?? '');
      raw = parts.join('');
      const equals = raw.indexOf('=');
      const key = equals === -1 ? '' : raw.slice(0, equals).trim();
      if (key === '') badLines.push(number);
      const value = raw
        .slice(equals + 1)
        .replaceAll(/\\\r?\n/g, ' ')
        .trim();
      const line = { group: groups.at(-1) ?? '', groupNumber: groups.length, key, value };
      pieces.push(key === '' ? { raw } : { raw, line });
    }
    return new KeyLines(pieces, groups, badLines);
  }

  get lines(): readonly KeyLine[] {
    return this.#pieces.flatMap(({ line }) => (line ? [line] : []));
  }

  /** The value that counts: the last one, since that is what the readers of these files take. */
  get(group: string, key: string): string | undefined {
    return this.lines.findLast((line) => line.group === group && line.key === key)?.value;
  }

  /** The text with each line as `edit` says. */
  edit(edit: (line: KeyLine) => LineEdit): string {
    return this.#pieces
      .map(({ raw, line }) => {
        const to = line && edit(line);
        if (to === undefined || !line || to === line.value) return raw;
        if (to === null) return '';
        const end = /\r?\n$/.exec(raw)?.[0] ?? '';
        if (typeof to !== 'string') return to.map((text) => oneLine(text) + (end || '\n')).join('');
        return raw.slice(0, raw.indexOf('=') + 1) + oneLine(to) + end;
      })
      .join('');
  }
}

/** Nothing that is put into a line may begin another one. */
function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new TypeError('a line of a file cannot hold a line end');
  return text;
}
