/** A line of fstab or crypttab: its fields as written, blanks between them. */
interface TableLine {
  /** With its line end. */
  readonly raw: string;
  /** Empty for a comment or an empty line. */
  readonly fields: readonly string[];
}

/** The lines of a table of fields; joined, their `raw` are the text. */
export function tableLines(text: string): TableLine[] {
  return text
    .split(/(?<=\n)/)
    .filter((raw) => raw !== '')
    .map((raw) => {
      const trimmed = raw.trim();
      return { raw, fields: trimmed === '' || trimmed.startsWith('#') ? [] : trimmed.split(/[ \t]+/) };
    });
}

/** The text with further lines at its end. */
export function withLines(text: string, lines: readonly string[]): string {
  const end = text === '' || text.endsWith('\n') || lines.length === 0 ? '' : '\n';
  return text + end + lines.map((line) => `${line}\n`).join('');
}
