import { CHECK_TEXT_MAX_CHARS } from '../../../common/limits.ts';
import type { CheckItem } from '../base/check-item.ts';

/** What cannot be seen, moves a cursor or turns the direction of a text; not the joiners that names of people need. */
const UNSEEN = /(?!\u200c|\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/** A text as one line that shows all that is in it: a snapshot may come from anybody. */
export function oneLine(text: string, maxChars = CHECK_TEXT_MAX_CHARS): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
  return cut.replaceAll(UNSEEN, (character) => `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`);
}

/** The same of each text of an item. What is stored at capture and what is judged later go through it alike. */
export function tidy<Item extends CheckItem & { readonly names?: readonly string[] }>(item: Item): Item {
  const { id, group, title, expected, observed, evidence, remedy, names } = item;
  return {
    ...item,
    id: oneLine(id),
    group: oneLine(group),
    title: oneLine(title),
    expected: oneLine(expected),
    observed: oneLine(observed),
    evidence: oneLine(evidence),
    ...(remedy !== undefined && { remedy: oneLine(remedy) }),
    ...(names && { names: names.map((name) => oneLine(name)) }),
  };
}
