import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { wordsOf } from '../../src/cli/words.ts';
import { ResettleError } from '../../src/common/errors.ts';

describe('the words of a line of a list', () => {
  it('are parted by blanks, kept together by quotes and backslashes, and end at a comment', () => {
    assert.deepEqual(wordsOf(`  old-1\tnew-1  --paths '/srv/two words',"/a b" back\\ slash # a comment`), [
      'old-1',
      'new-1',
      '--paths',
      '/srv/two words,/a b',
      'back slash',
    ]);
    assert.deepEqual(wordsOf('# nothing'), []);
    assert.deepEqual(wordsOf('pc#7 ""'), ['pc#7', '']);
  });

  it('come back from any words that were quoted', () => {
    const word = fc
      .string({ minLength: 0, maxLength: 12 })
      .filter((text) => !text.includes("'") && !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        assert.deepEqual(wordsOf(words.map((text) => `'${text}'`).join(' ')), words);
      }),
    );
  });

  it('of any text are words or a clear refusal', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        try {
          assert.ok(wordsOf(line).every((text) => typeof text === 'string'));
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'usage');
        }
      }),
    );
  });
});
