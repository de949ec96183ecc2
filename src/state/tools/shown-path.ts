import { ResettleError } from '../../common/errors.ts';
import type { FolderPath } from '../format/index.ts';
import { namesOfPath } from '../plan/roots.ts';

const ESCAPE = /\\x([0-9a-f]{2})/g;

/**
 * The names of a path that a person gives as it is listed: `\xNN` stands for a byte. The slash in front may be left out.
 * Throws `usage`.
 */
export function namesOfShownPath(text: string): FolderPath {
  const parts: Uint8Array[] = [];
  let end = 0;
  for (const match of text.matchAll(ESCAPE)) {
    parts.push(Buffer.from(text.slice(end, match.index)), Buffer.of(Number.parseInt(match[1]!, 16)));
    end = match.index + match[0].length;
  }
  parts.push(Buffer.from(text.slice(end)));
  const bytes = Buffer.concat(parts);
  const names = namesOfPath(bytes[0] === 0x2f ? bytes : Buffer.concat([Buffer.from('/'), bytes]));
  if (names.length === 0) {
    throw new ResettleError('usage', `not the path of an item: ${JSON.stringify(text)}`, {
      hint: 'give a path as "store ls DIR --snapshot N" lists it, or use "restore --store DIR" for everything',
    });
  }
  return names;
}
