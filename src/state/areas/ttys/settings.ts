import { assign, readAssignments, unquoted } from '../base/assignments.ts';
import type { System } from '../base/system.ts';
import type { SettingFile } from './setting-files.ts';

export interface Setting {
  readonly name: string;
  readonly value: string;
}

/** What a file says, by name, quotes gone; of a file with sections only its own. */
export function readSettings(system: System, file: SettingFile): Setting[] {
  const text = system.text(file.path) ?? '';
  return readAssignments(partOf(text, file).own)
    .map(({ name, value }) => ({ name, value: unquoted(value) }))
    .filter(({ name }) => file.names === undefined || file.names.includes(name));
}

/** The file with one setting, in its section if it has them; every other line stays. */
export function writeSetting(text: string, file: SettingFile, { name, value }: Setting): string {
  const assignment = { name, value: file.quotes ? `"${value}"` : value };
  const { section } = file;
  if (section === undefined) return assign(text, assignment);
  const { before, own, after } = partOf(text, file);
  if (before === undefined) return `${withEnd(text)}[${section}]\n${name}=${value}\n`;
  return `${before}${assign(own, assignment)}${after}`;
}

/** A text around the part that holds the settings: all of it, or the lines of the section. `before` is undefined without one. */
function partOf(text: string, { section }: SettingFile): { before?: string; own: string; after: string } {
  if (section === undefined) return { before: '', own: text, after: '' };
  const begin = new RegExp(`^\\[${section}\\][ \\t]*\\n`, 'm').exec(text);
  if (!begin) return { own: '', after: text };
  const start = begin.index + begin[0].length;
  const next = /^\[/m.exec(text.slice(start));
  const end = next ? start + next.index : text.length;
  return { before: text.slice(0, start), own: text.slice(start, end), after: text.slice(end) };
}

const withEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
