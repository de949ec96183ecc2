/** A NAME=VALUE line of a file; the value as it is written, quotes included. */
export interface Assignment {
  readonly name: string;
  readonly value: string;
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/** The assignments of a file of NAME=VALUE lines; of several to one name the last, which is the one that holds. */
export function readAssignments(text: string): Assignment[] {
  const found = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = ASSIGNMENT.exec(line) ?? [];
    if (name !== undefined && value !== undefined) found.set(name, value.trim());
  }
  return [...found].map(([name, value]) => ({ name, value }));
}

/** The file with one name assigned: in its last line if there is one, else at the end. Other lines stay as they are. */
export function assign(text: string, { name, value }: Assignment): string {
  const lines = text.split('\n');
  const at = lines.findLastIndex((line) => ASSIGNMENT.exec(line)?.[1] === name);
  const line = `${name}=${value}`;
  if (at >= 0) return [...lines.slice(0, at), line, ...lines.slice(at + 1)].join('\n');
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
}

/** Without the quotes around it. */
export function unquoted(value: string): string {
  return /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;
}
