const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A path for people: UTF-8 as it is, control characters, backslashes and bad bytes as `\xNN`. */
export function showPath(path: Uint8Array): string {
  const latin = Buffer.from(path).toString('latin1');
  if (PLAIN.test(latin)) return latin;
  let shown = '';
  for (let at = 0; at < path.length; ) {
    const length = characterLength(path[at]!);
    const character = length > 1 ? decodeCharacter(path.subarray(at, at + length)) : undefined;
    if (character !== undefined) {
      shown += character;
      at += length;
    } else {
      const plain = String.fromCharCode(path[at]!);
      shown += PLAIN.test(plain) ? plain : `\\x${path[at]!.toString(16).padStart(2, '0')}`;
      at += 1;
    }
  }
  return shown;
}

function characterLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

/** A character of more than one byte, unless it is broken or would not be seen. */
function decodeCharacter(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]$/u.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
