import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { z } from 'zod';
import { Lookup } from '../../src/state/areas/applications/lookup.ts';
import { LocalSystem } from '../../src/state/areas/base/local-system.ts';
import { loadCatalogue } from '../../src/state/catalogue/load.ts';
import { RuleWalk } from '../../src/state/catalogue/rule-walk.ts';
import { type CatalogueRule, catalogueFixture } from '../../src/state/catalogue/schema.ts';

type Fixture = z.output<typeof catalogueFixture>;

const FIXTURES = fileURLToPath(new URL('../fixtures/catalogue', import.meta.url));
const HOME = '/home/ann';

/** The rules that come with the program, all of them together. */
export const rules: readonly CatalogueRule[] = loadCatalogue();

const walk = new RuleWalk(rules, { homes: [Buffer.from(HOME)] });

/** Where a path of a rule or a fixture lies. */
const atHome = (path: string): string => path.replace(/^~/, HOME);

/** Whether all rules together take a path; `~` is a home. */
export const isTaken = (path: string): boolean => walk.at(Buffer.from(atHome(path))).isTaken;

/** Which pattern decides about a path, for messages. */
export function whyOf(path: string): string {
  const by = walk.at(Buffer.from(atHome(path))).by;
  return `${path}: ${by ? `${by.action} ${by.pattern} of ${by.rule || by.kind}` : 'no rule says anything'}`;
}

export const fixtureNames = (): string[] => readdirSync(FIXTURES).map((file) => file.replace(/\.yaml$/, ''));

const fixtures = new Map<string, Fixture>();

/** The fixture of a rule, by the schema. */
export function fixtureOf(id: string): Fixture {
  const known = fixtures.get(id);
  if (known) return known;
  const fixture = catalogueFixture.parse(
    parse(readFileSync(join(FIXTURES, `${id}.yaml`), 'utf8'), { uniqueKeys: true }),
  );
  fixtures.set(id, fixture);
  return fixture;
}

/** In memory where that can be: thousands of small files on a busy disk take longer than all tests of them. */
const TEMP = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Machines with one home each, in one temp folder: there are hundreds, so no folder is made or looked up twice. */
export class Machines {
  readonly #root = mkdtempSync(join(TEMP, 'resettle-rules-'));

  /** A machine with these files; null makes a folder. */
  withFiles(name: string, files: Fixture['found']): Lookup {
    const root = join(this.#root, name);
    const made = new Set<string>([this.#root]);
    const folder = (path: string): void => {
      if (made.has(path)) return;
      folder(dirname(path));
      made.add(path);
      mkdirSync(path);
    };
    folder(join(root, HOME));
    for (const [path, content] of Object.entries(files)) {
      const at = join(root, atHome(path));
      folder(content === null ? at : dirname(at));
      if (content !== null) writeFileSync(at, content);
    }
    return new Lookup(new LocalSystem(root));
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Whether a rule finds its application on a machine: in the home, or in the system. */
export const isFound = (rule: CatalogueRule, lookup: Lookup): boolean =>
  rule.detect.some((pattern) => lookup.isThere(pattern, pattern.startsWith('~') ? HOME : undefined));

/** A path that a pattern means. */
export const exampleOf = (pattern: string): string => pattern.replaceAll('**', 'some/where').replaceAll('*', 'any');
