import { createHash } from 'node:crypto';
import { type ConfigFile, contentOf } from '../base/config-file.ts';
import type { PrivilegedEffect } from '../base/types.ts';

/** What a printer's description lets the print server start. */
export interface PpdPrograms {
  /** Names of filters, looked for in cupsd's own folder. */
  readonly filters: readonly string[];
  /** Why it is not ordinary; undefined where it is. */
  readonly effect?: PrivilegedEffect;
  readonly why?: string;
}

const STARTS_PROGRAM = /(?:^|[\r\n])[ \t\v\f]*\*(cupsFilter2?|cupsPreFilter)\b[^:\r\n]*:([^"\r\n]*(?:"[^"]*")?)/gi;
/** foomatic-rip makes a command for a shell out of these. */
const COMMAND = /(?:^|[\r\n])[ \t\v\f]*\*FoomaticRIP(?!Default)/i;
/** Longer than any line that names a filter. */
const LINE_MAX_CHARS = 1000;
/** `source/type cost program`, `source/type dest/type cost [maxsize(n)] program`. */
const FILTER = /^\s*"?\s*\S+\s+(?:\S+\/\S+\s+)?\d+\s+(?:maxsize\(\d+\)\s+)?([^"]+?)\s*"?\s*$/;

export function readPpd(file: ConfigFile): PpdPrograms {
  const bytes = contentOf(file);
  // cupsd unpacks a compressed one, so nothing else than plain text can be judged.
  const text = bytes.toString('latin1');
  if (file.link !== undefined || !text.startsWith('*PPD-Adobe') || text.includes('\0')) {
    return { filters: [], effect: 'root-runs', why: 'its driver description is no plain PPD file' };
  }
  const filters = new Set<string>();
  for (const [, , value = ''] of text.matchAll(STARTS_PROGRAM)) {
    const program = value.length > LINE_MAX_CHARS ? undefined : FILTER.exec(value.replaceAll(/\s+/g, ' '))?.[1];
    if (program === undefined || !/^[\w.+-]+$/.test(program) || program === '..') {
      return { filters: [], effect: 'root-runs', why: 'its driver description names a program by its path' };
    }
    if (program !== '-') filters.add(program);
  }
  if (COMMAND.test(text)) {
    const why = 'its driver description holds commands that run whenever something is printed';
    return { filters: [...filters], effect: 'hook', why };
  }
  return { filters: [...filters] };
}

/** What tells descriptions apart, for people. */
export function hashOfPpd(file: ConfigFile): string {
  return createHash('sha256').update(contentOf(file)).digest('hex').slice(0, 12);
}
