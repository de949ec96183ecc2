import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AREA_NAMES } from '../../src/state/areas/base/names.ts';
import { SCHEMAS_FOLDER, schemaFiles } from './support/schemas.ts';

test('docs/schemas has the schema of every document as the code has it; else: npm run schemas', () => {
  const written = schemaFiles();
  assert.deepEqual(readdirSync(SCHEMAS_FOLDER), [...written.keys()].sort());
  for (const [name, text] of written) assert.equal(readFileSync(join(SCHEMAS_FOLDER, name), 'utf8'), text, name);
});

test('each area has a schema that allows nothing beside what it names, and the text is plain JSON', () => {
  const written = schemaFiles();
  for (const name of AREA_NAMES) {
    const { properties, additionalProperties } = JSON.parse(written.get(`${name}.json`) ?? '');
    assert.equal(properties.area.const, name);
    assert.equal(additionalProperties, false, name);
    assert.equal(properties.content.additionalProperties, false, name);
  }
});
