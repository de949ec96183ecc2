/** What cannot be seen, moves a cursor or turns the direction of a text; not the joiners that names of people need. */
const UNSEEN = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** A text as one line that shows all that is in it, and that no terminal obeys: it may come from anybody. */
export function printable(text: string): string {
  return text.replaceAll(UNSEEN, (character) => `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}
