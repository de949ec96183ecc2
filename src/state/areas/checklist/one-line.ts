import { CHECK_TEXT_MAX_CHARS } from '../../../common/limits.ts';
import { printable } from '../../../common/printable.ts';
import type { CheckItem } from '../base/check-item.ts';

/** A text as one line that shows all that is in it: a snapshot may come from anybody. */
export function oneLine(text: string, maxChars = CHECK_TEXT_MAX_CHARS): string {
  const cut = text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
  return printable(cut);
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
