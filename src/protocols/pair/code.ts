/**
 * The code that one machine shows and a person types into the other: `NNN-word-word`. The three digits are public: they
 * find the machine. The two words are the secret, 1 of 1,296² pairs.
 */
import type { RandomBytes } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { WORDS } from './words.ts';

export interface PairingCode {
  /** Three digits. Public. */
  readonly number: string;
  /** Two words of the list with a dash between. Secret: never logged. */
  readonly words: string;
}

const NUMBERS = 1000;
const EXAMPLE = 'a code is three digits and two words, as in 042-alive-tulip';
/** What people write between the parts: white space, and dashes of any kind, since telephones change them. */
const SEPARATORS = /[\s\p{Pd}_]+/u;
/** A line longer than any code with generous spaces. */
const TYPED_MAX_CHARS = 200;
/** Words that are offered where one is not on the list. */
const NEAR_WORDS_MAX = 4;

const KNOWN: ReadonlySet<string> = new Set(WORDS);

/** A number from 0 to `below` - 1, each as likely: what does not divide evenly is drawn again. `below` ≤ 65,536. */
function drawBelow(below: number, random: RandomBytes): number {
  const evenlyBelow = 65_536 - (65_536 % below);
  for (;;) {
    const bytes = random(2);
    const drawn = bytes[0]! * 256 + bytes[1]!;
    if (drawn < evenlyBelow) return drawn % below;
  }
}

/** A new code; every one is as likely as every other. */
export function drawCode(random: RandomBytes): PairingCode {
  const number = String(drawBelow(NUMBERS, random)).padStart(3, '0');
  const word = (): string => WORDS[drawBelow(WORDS.length, random)]!;
  return { number, words: `${word()}-${word()}` };
}

/** `042-alive-tulip`, for the person and for nobody else. */
export function formatCode(code: PairingCode): string {
  return `${code.number}-${code.words}`;
}

/**
 * The code that a person typed. Capitals, spaces and missing dashes do not matter; nothing else is guessed. A word that
 * is not on the list is named here, before anything is sent, so that a slip costs no attempt. Throws `usage`, with what
 * was typed in it: for the person's eyes, not for a log.
 */
export function parseCode(text: string): PairingCode {
  const typed = text.normalize('NFKC').toLowerCase().trim();
  const match = typed.length <= TYPED_MAX_CHARS ? /^([0-9]{3})(?![0-9])(.*)$/su.exec(typed) : null;
  if (!match) throw new ResettleError('usage', 'the code does not begin with three digits', { hint: EXAMPLE });
  const parts = match[2]!.split(SEPARATORS).filter((part) => part !== '');
  const words = parts.length === 1 ? splitTogether(parts[0]!) : parts;
  if (words.length !== 2) {
    throw new ResettleError('usage', `the code has ${words.length} words after its digits, not two`, { hint: EXAMPLE });
  }
  for (const [at, word] of words.entries()) {
    if (!KNOWN.has(word)) throw unknownWord(at, word);
  }
  return { number: match[1]!, words: words.join('-') };
}

/** Two words of the list written together. There is one way at most, since no word begins with another. */
function splitTogether(letters: string): string[] {
  for (let at = 1; at < letters.length; at++) {
    const first = letters.slice(0, at);
    if (KNOWN.has(first)) return [first, letters.slice(at)];
  }
  return [letters];
}

function unknownWord(at: number, word: string): ResettleError {
  const near = nearWords(word);
  const place = at === 0 ? 'first' : 'second';
  return new ResettleError('usage', `the ${place} word of the code, ${JSON.stringify(word)}, is not on the list`, {
    hint: near.length > 0 ? `look again; words like it are ${near.join(', ')}` : 'look again at the other machine',
  });
}

/** Words of the list that one slip makes of `typed`: a letter changed, left out, added, or two exchanged. */
function nearWords(typed: string): string[] {
  return WORDS.filter((word) => isOneSlipAway(word, typed)).slice(0, NEAR_WORDS_MAX);
}

function isOneSlipAway(word: string, typed: string): boolean {
  let front = 0;
  while (front < word.length && word[front] === typed[front]) front += 1;
  const restOfWord = word.slice(front);
  const restTyped = typed.slice(front);
  const exchanged = `${restOfWord[1] ?? ''}${restOfWord[0] ?? ''}${restOfWord.slice(2)}`;
  return (
    restOfWord.slice(1) === restTyped.slice(1) ||
    restOfWord.slice(1) === restTyped ||
    restOfWord === restTyped.slice(1) ||
    exchanged === restTyped
  );
}

/** Words that begin with what was typed so far, for a prompt that completes. */
export function wordsBeginning(prefix: string): readonly string[] {
  const start = prefix.toLowerCase();
  return WORDS.filter((word) => word.startsWith(start));
}
