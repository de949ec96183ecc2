import { ResettleError } from '../common/errors.ts';

/**
 * The words of one line of a list, as a shell would see them: blanks separate, quotes and backslashes keep them, `#` at the
 * beginning of a word ends the line. Nothing is expanded. Throws `usage` for a quote that does not end.
 */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at]!;
    if (char === '\\' && quote !== "'" && at + 1 < line.length) {
      at += 1;
      word = (word ?? '') + line[at]!;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === '#' && word === undefined) {
      return words;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') throw new ResettleError('usage', `a quote ${quote} does not end`);
  if (word !== undefined) words.push(word);
  return words;
}
