import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResettleError } from '../../src/common/errors.ts';
import { drawCode, formatCode, parseCode, wordsBeginning } from '../../src/protocols/pair/code.ts';
import { WORDS } from '../../src/protocols/pair/words.ts';

const code = fc
  .tuple(fc.nat(999), fc.constantFrom(...WORDS), fc.constantFrom(...WORDS))
  .map(([number, a, b]) => ({ number: String(number).padStart(3, '0'), words: `${a}-${b}` }));
const separator = fc.constantFrom(' ', '-', '–', '—', '‐', '_', ' - ', '\t', '  ', '');

describe('the words of a code', () => {
  it('are 1,296 different ones of 3 to 5 letters, in order', () => {
    assert.equal(WORDS.length, 1296);
    assert.equal(new Set(WORDS).size, 1296);
    assert.deepEqual([...WORDS].sort(), WORDS);
    for (const word of WORDS) assert.match(word, /^[a-z]{3,5}$/);
  });

  it('do not begin with one another, so that words written together can be told apart', () => {
    const known = new Set(WORDS);
    for (const word of WORDS) {
      for (let at = 1; at < word.length; at++) assert.equal(known.has(word.slice(0, at)), false, word);
    }
  });
});

describe('a pairing code', () => {
  it('is read whatever the capitals and whatever stands between its parts', () => {
    fc.assert(
      fc.property(code, fc.array(separator, { minLength: 2, maxLength: 2 }), fc.boolean(), (one, between, capitals) => {
        const [a, b] = one.words.split('-');
        const text = ` ${one.number}${between[0]}${a}${between[1]}${b}\n`;
        assert.deepEqual(parseCode(capitals ? text.toUpperCase() : text), one);
      }),
    );
  });

  it('comes back from its text', () => {
    fc.assert(fc.property(code, (one) => assert.deepEqual(parseCode(formatCode(one)), one)));
  });

  it('names the word that is not on the list, and words like it', () => {
    assert.throws(() => parseCode('042-acorn-zebar'), {
      code: 'usage',
      message: /second word .*"zebar"/,
      hint: /\bzebra\b/,
    });
    assert.throws(() => parseCode('042 acron zebra'), {
      code: 'usage',
      message: /first word .*"acron"/,
      hint: /acorn/,
    });
    assert.throws(() => parseCode('042 acornzzzzz'), { code: 'usage', message: /second word .*"zzzzz"/ });
  });

  it('is not read from anything else, and nothing is guessed', () => {
    const wrong = ['', '042', '42-acorn-zebra', '0042-acorn-zebra', 'acorn-zebra', '042-acorn', '042-acorn-zebra-zoom'];
    for (const text of [...wrong, '042-acor-zebra', '042.acorn.zebra', `042-acorn-zebra${' '.repeat(300)}x`]) {
      assert.throws(() => parseCode(text), { code: 'usage' }, text);
    }
  });

  it('is either read or refused as usage, whatever is typed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc
        .array(fc.oneof(fc.constantFrom(...WORDS, '042', '-', ' '), fc.string({ maxLength: 4 })), { maxLength: 6 })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (typed) => {
        try {
          assert.match(formatCode(parseCode(typed)), /^[0-9]{3}-[a-z]{3,5}-[a-z]{3,5}$/);
        } catch (error) {
          assert.ok(error instanceof ResettleError && error.code === 'usage', String(error));
          assert.ok(error.hint);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is drawn so that each one is as likely: of all values of two bytes, each word gets as many', () => {
    const times = new Map<string, number>();
    for (let value = 0; value < 65_536; value++) {
      const bytes = [0, 0, 0, 0, value >> 8, value & 255, 0, 0];
      // A value that is drawn again leaves the bytes after it to the next draw: those are 0, the first word.
      let asked = 0;
      const { words } = drawCode(() => Uint8Array.from([bytes[asked++]!, bytes[asked++]!]).slice());
      if (asked === 6) times.set(words.split('-')[1]!, (times.get(words.split('-')[1]!) ?? 0) + 1);
    }
    assert.equal(times.size, 1296);
    assert.deepEqual(new Set(times.values()), new Set([Math.floor(65_536 / 1296)]));
  });

  it('is shown by an example that is one', () => {
    assert.throws(
      () => parseCode(''),
      (error: ResettleError) => {
        assert.doesNotThrow(() => parseCode(/[0-9]{3}-[a-z]+-[a-z]+/.exec(error.hint!)![0]));
        return true;
      },
    );
  });

  it('completes what was typed so far', () => {
    assert.deepEqual(wordsBeginning('ZE'), ['zebra', 'zero', 'zesty']);
    assert.deepEqual(wordsBeginning('qqq'), []);
  });
});
