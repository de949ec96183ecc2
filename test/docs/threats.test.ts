/** docs/THREATS.md names a test for each promise: that each of them is there, and each place in the code. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, readText } from './support/lockfile.ts';

const page = readText('docs/THREATS.md');
const RULES = Array.from({ length: 16 }, (_, at) => `T${at + 1}`);
const WITHOUT_TEST = /\b(no test yet|not built yet)\b/i;

interface Promised {
  readonly number: string;
  readonly shownBy: string;
}

/** Rows that begin with the number of a promise. */
const promises: Promised[] = page.split('\n').flatMap((line) => {
  const [, number, , shownBy] = line.split('|').map((cell) => cell.trim());
  return number && /^[A-Z]\d*\.\d+$/.test(number) ? [{ number, shownBy: shownBy ?? '' }] : [];
});

/** Each test that is named: its file in `test/`, and how its title begins. */
const named: { file: string; title: string }[] = page
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .flatMap((line) => {
    let file: string | undefined;
    return [...line.matchAll(/`([^`]+\.test\.ts)`|"([^"]+)"/g)].flatMap(([, path, title]) => {
      if (path) file = path;
      return file && title ? [{ file, title }] : [];
    });
  });

const TITLE = /\b(?:test|longTest|it|describe)\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g;

function titlesIn(file: string): string[] {
  const path = join(ROOT, 'test', file);
  assert.ok(existsSync(path), `THREATS.md names test/${file}, which is not there`);
  return [...readFileSync(path, 'utf8').matchAll(TITLE)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

test('every test that THREATS.md names is there', () => {
  assert.ok(named.length > 100, 'they are read');
  const gone = named.filter(({ file, title }) => !titlesIn(file).some((one) => one.startsWith(title)));
  assert.deepEqual(gone, []);
});

test('every promise has a number of its own, in order, and a test, or says that it has none', () => {
  const rules = [...Map.groupBy(promises, ({ number }) => number.split('.')[0]!)];
  assert.deepEqual(
    RULES.filter((rule) => !rules.some(([known]) => known === rule)),
    [],
  );
  for (const [rule, of] of rules) {
    assert.deepEqual(
      of.map(({ number }) => number),
      of.map((_, at) => `${rule}.${at + 1}`),
    );
  }
  const bare = promises.filter(({ shownBy }) => !/`[^`]+\.test\.ts` "/.test(shownBy) && !WITHOUT_TEST.test(shownBy));
  assert.deepEqual(bare, []);
});

test('every promise that is spoken of is there', () => {
  const known = new Set(promises.map(({ number }) => number));
  const spoken = [...page.matchAll(/\b([A-Z]\d*\.\d+)\b(?! \|)/g)].map(([, number]) => number!);
  assert.deepEqual(
    spoken.filter((number) => !known.has(number)),
    [],
  );
});

test('every place in the code that THREATS.md names is there', () => {
  const lines = page.split(/\n(?=\n|Code: )/).filter((block) => block.startsWith('Code: '));
  const places = lines.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].flatMap(([, place]) => expanded(place!)));
  assert.ok(places.length > 50, 'they are read');
  const gone = places.filter((place) => !existsSync(join(ROOT, place.startsWith('bin/') ? '.' : 'src', place)));
  assert.deepEqual(gone, []);
});

/** `a/{b,c}.ts` as a shell reads it. */
function expanded(place: string): string[] {
  const [, before, choices, after] = /^(.*)\{(.*)\}(.*)$/.exec(place) ?? [];
  return choices === undefined ? [place] : choices.split(',').map((choice) => `${before}${choice}${after}`);
}
