/** The words of a line; a quoted text, with blanks in it, belongs to its word. Quotes are left out. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let isQuoted = false;
  let isIn = false;
  for (const char of line) {
    if (char === '"') {
      isQuoted = !isQuoted;
      isIn = true;
    } else if (!isQuoted && /\s/.test(char)) {
      if (isIn) words.push(word);
      word = '';
      isIn = false;
    } else {
      word += char;
      isIn = true;
    }
  }
  if (isIn) words.push(word);
  return words;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** `permanent`, or a day as `1-jan-2027`, in ms since 1970. A year of 0 never comes. Undefined where it is neither. */
export function dayOf(text: string): 'permanent' | number | undefined {
  if (text.toLowerCase() === 'permanent') return 'permanent';
  const [, day, name, year] = /^(\d{1,2})-([a-z]{3})-(\d{1,4})$/i.exec(text) ?? [];
  if (day === undefined || name === undefined || year === undefined) return undefined;
  const month = MONTHS.indexOf(name.toLowerCase());
  if (month < 0 || Number(day) < 1 || Number(day) > 31) return undefined;
  if (Number(year) === 0) return 'permanent';
  const full = year.length <= 2 ? 1900 + Number(year) + (Number(year) < 70 ? 100 : 0) : Number(year);
  return Date.UTC(full, month, Number(day));
}

/** Ends last of several; undefined where one never ends or is not known. */
export function lastDay(days: readonly ('permanent' | number | undefined)[]): number | undefined {
  const known = days.filter((day) => typeof day === 'number');
  return known.length === days.length && known.length > 0 ? Math.max(...known) : undefined;
}

export const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
