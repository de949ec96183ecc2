import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { ResettleError } from '../../common/errors.ts';
import { CATALOGUE_FILE_MAX_BYTES, CATALOGUE_RULES_MAX } from '../../common/limits.ts';
import { parseBy } from '../../common/parse-by.ts';
import { type CatalogueRule, catalogueRule } from './schema.ts';

/** The rules that come with the program. */
export const BUILT_IN_RULES = fileURLToPath(new URL('./rules', import.meta.url));

/** Rules that hold for a whole machine, of its fleet or its administrator. */
const MACHINE_RULES = '/etc/resettle/rules';

/** Folders of rules, those that override others last: ours, the machine's where it has some, and those that are given. */
export function ruleFolders(own: readonly string[] = []): string[] {
  return [BUILT_IN_RULES, ...(existsSync(MACHINE_RULES) ? [MACHINE_RULES] : []), ...own];
}

/**
 * Reads every `ID.yaml` of the folders; a later folder's rule takes the place of an earlier one with its id. In the order
 * of ids. Throws `usage` where a file is none that the schema knows: the file, the line, and what is wrong.
 */
export function loadCatalogue(folders: readonly string[] = [BUILT_IN_RULES]): CatalogueRule[] {
  const rules = new Map<string, CatalogueRule>();
  for (const folder of folders) {
    for (const file of rulesIn(folder)) {
      const rule = loadRule(file);
      rules.set(rule.id, rule);
    }
  }
  if (rules.size > CATALOGUE_RULES_MAX) throw wrong(folders.join(', '), `more than ${CATALOGUE_RULES_MAX} rules`);
  return [...rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Reads one file. Throws `usage`. */
export function loadRule(file: string): CatalogueRule {
  let text: string;
  try {
    if (statSync(file).size > CATALOGUE_FILE_MAX_BYTES) throw new Error('it is larger than 64 KiB');
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong(file, (error as Error).message);
  }
  return parseRule(text, file);
}

/** Reads the text of a rule; `file` is for messages, and says its id. Throws `usage`. */
export function parseRule(text: string, file: string): CatalogueRule {
  const lines = new LineCounter();
  // The core schema knows no tags that make anything but plain data; aliases could multiply.
  const document = parseDocument(text, { schema: 'core', lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw wrong(file, problem.message, lines.linePos(problem.pos[0]).line);
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    throw wrong(file, (error as Error).message);
  }
  const parsed = parseBy(catalogueRule, data);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
    throw wrong(file, `${issue.path.join('.') || 'the rule'}: ${issue.message}`, lineOf(document, lines, path));
  }
  const id = basename(file, '.yaml');
  if (parsed.data.id !== id)
    throw wrong(file, `id: it is ${parsed.data.id}, and the file is called ${id}`, lineOf(document, lines, ['id']));
  return parsed.data;
}

/** Of the innermost thing on the way to a value that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function rulesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    throw wrong(folder, (error as Error).message);
  }
}

function wrong(file: string, why: string, line?: number): ResettleError {
  const where = line === undefined ? file : `${file}:${line}`;
  return new ResettleError('usage', `this rule of the catalogue is wrong: ${where}: ${why}`, {
    hint: 'docs/AREAS.md says how rules are written',
  });
}
