import assert from 'node:assert/strict';
import test from 'node:test';
import { type FileCallsKind, fileCallsKind, losses, useFileCalls } from '../../../src/state/fs/calls.ts';
import { testAttributes } from './contract/attributes.ts';
import { testContent } from './contract/content.ts';
import { testLinks } from './contract/links.ts';
import { testMetadata } from './contract/metadata.ts';
import { testNames } from './contract/names.ts';
import { testSpecial } from './contract/special.ts';
import { suiteOf } from './support/suite.ts';

/** What every implementation of FileCalls has to do, on a tmpfs and on the disk; what it cannot do it has to refuse. */
export function runFileCallsTests(name: string, kind: FileCallsKind): void {
  useFileCalls(kind);

  test(`${name}: it is the one that is used, and says what it loses`, () => {
    assert.equal(fileCallsKind(), kind);
    assert.equal(losses().length === 0, kind === 'linux');
    for (const loss of losses()) assert.match(loss, /^\S.*[^.]$/);
  });

  const suite = suiteOf(name, kind);
  testNames(suite);
  testLinks(suite);
  testMetadata(suite);
  testSpecial(suite);
  testAttributes(suite);
  testContent(suite);
}
