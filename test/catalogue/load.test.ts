import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ResettleError } from '../../src/common/errors.ts';
import { loadCatalogue, parseRule } from '../../src/state/catalogue/load.ts';

function foldersWith(t: TestContext, ...folders: Record<string, string>[]): string[] {
  const root = mkdtempSync(join(tmpdir(), 'resettle-rules-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return folders.map((files, index) => {
    const folder = join(root, String(index));
    mkdirSync(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  });
}

const RULE = `id: gimp
name: GIMP
category: graphics
detect: [~/.config/GIMP]
exclude:
  - ~/.config/GIMP/*/tmp
`;

const message = (text: string, file = '/rules/gimp.yaml') => {
  try {
    parseRule(text, file);
  } catch (error) {
    assert.ok(error instanceof ResettleError && error.code === 'usage');
    return error.message;
  }
  return assert.fail('it was taken for a rule');
};

test('a rule is read with what it leaves out filled in', () => {
  const rule = parseRule(RULE, 'gimp.yaml');
  assert.deepEqual(rule.exclude, ['~/.config/GIMP/*/tmp']);
  assert.deepEqual([rule.kind, rule.include, rule.never], ['application', [], []]);
});

test('a later folder overrides a rule by its id and adds others', (t) => {
  const folders = foldersWith(
    t,
    { 'gimp.yaml': RULE, 'a.yaml': 'id: a\nname: A\ncategory: system\n', 'notes.txt': 'no rule' },
    { 'gimp.yaml': RULE.replace('GIMP\n', 'Our GIMP\n'), 'z.yaml': 'id: z\nname: Z\ncategory: system\n' },
  );
  assert.deepEqual(
    loadCatalogue(folders).map(({ id, name }) => `${id} ${name}`),
    ['a A', 'gimp Our GIMP', 'z Z'],
  );
});

test('a fault is named with file, line and what is wrong', () => {
  assert.match(message(RULE.replace('graphics', 'arts')), /gimp\.yaml:3: category: /);
  assert.match(message(RULE.replace('~/.config/GIMP/*/tmp', '.config/tmp')), /gimp\.yaml:6: exclude\.0: a path begins/);
  assert.match(message(`${RULE}never: [~/a/../b]\n`), /gimp\.yaml:7: never\.0: /);
  assert.match(message(`${RULE}colour: blue\n`), /gimp\.yaml:7: .*colour/);
  assert.match(message(`${RULE}name: twice\n`), /gimp\.yaml:7: .*unique/);
  assert.match(message(RULE.replace('id: gimp', 'id: krita')), /gimp\.yaml:1: id: /);
  assert.match(message('- a\n- b\n'), /gimp\.yaml:1: /);
  assert.match(message(''), /gimp\.yaml:1: /);
  assert.match(message(`${RULE}include: [~/a\n`), /gimp\.yaml:\d+: /);
});

test('tags and aliases are refused, and so is a file that is too large', (t) => {
  assert.match(message(RULE.replace('name: GIMP', 'name: !!js/function "() => 1"')), /gimp\.yaml:2: .*tag/);
  assert.match(message(`${RULE}include: &a [~/a]\nnever: *a\n`), /lias/);
  const bomb = [
    'a: &a [x,x]',
    ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [*${'abcdefgh'[i]},*${'abcdefgh'[i]}]`),
  ];
  assert.match(message(bomb.join('\n')), /lias/);
  const [folder] = foldersWith(t, { 'gimp.yaml': `${RULE}# ${'x'.repeat(64 * 1024)}\n` });
  assert.throws(() => loadCatalogue([folder!]), /larger than 64 KiB/);
  assert.throws(() => loadCatalogue([`${folder}/none`]), /ENOENT/);
});

test('a path of a rule outside of homes that is taken names a place, not any number of folders', () => {
  assert.match(message(`${RULE}include: [/var/**/x]\n`), /gimp\.yaml:7: include\.0: /);
  assert.match(message(`${RULE}include: [~//x]\n`), /gimp\.yaml:7: include\.0: /);
});

test('the rules that come with the program are read', () => {
  loadCatalogue();
});
