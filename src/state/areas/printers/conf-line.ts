/** A directive of one of cupsd's files: a keyword and the rest of its line. */
export interface ConfLine {
  readonly keyword: string;
  readonly value: string;
}

/** A line as cupsd reads it: the first `#` begins a comment unless a backslash is before it. Undefined: nothing is said. */
export function readConfLine(line: string): ConfLine | undefined {
  const text = withoutComment(line).replace(/^\s+/, '');
  if (text === '') return undefined;
  const end = text.search(/\s/);
  if (end < 0) return { keyword: text, value: '' };
  return { keyword: text.slice(0, end), value: text.slice(end).trim() };
}

/** The same as cupsd writes it. The value has no line ends and no blanks around it. */
export function writeConfLine({ keyword, value }: ConfLine): string {
  return (value === '' ? keyword : `${keyword} ${value}`).replace('#', '\\#');
}

function withoutComment(line: string): string {
  const at = line.indexOf('#');
  if (at < 0) return line;
  return line[at - 1] === '\\' ? line.slice(0, at - 1) + line.slice(at) : line.slice(0, at);
}
