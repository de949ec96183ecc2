/** Documents lead to files that are there. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './support/lockfile.ts';

const pages = globSync(['*.md', 'docs/**/*.md', 'src/**/*.md', 'test/**/*.md'], { cwd: ROOT });

/** What a page leads to: links to files, and files of tests that it names. */
function namedIn(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, to]) => to!.replace(/#.*/, ''))
    .filter((to) => to !== '' && !/^[a-z]+:/.test(to))
    .map((to) => join(dirname(page), to));
  return [...links, ...[...text.matchAll(/`(test\/[\w/.-]+\.ts)`/g)].map(([, file]) => file!)];
}

test('every link and every file of tests that a document names is there', () => {
  assert.ok(pages.length > 20, 'they are read');
  const gone = pages
    .flatMap((page) => namedIn(page).map((to) => ({ page, to })))
    .filter(({ to }) => !existsSync(join(ROOT, to)));
  assert.deepEqual(gone, []);
});
