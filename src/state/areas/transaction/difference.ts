import { isUtf8 } from 'node:buffer';
import { AREA_DIFFERENCE_LINE_CHARS, AREA_DIFFERENCE_LINES_MAX } from '../../../common/limits.ts';
import type { Change } from '../base/change.ts';
import type { Facts, System } from '../base/system.ts';
import { compareLines } from './compare-lines.ts';
import { isSecretFile, markSecrets, withoutSecrets } from './secrets.ts';

/**
 * What changes would do to a machine as it is, or as it is planned to be, for people: a line that names the path, then the
 * lines that go (`-`) and come (`+`). At most AREA_DIFFERENCE_LINES_MAX. No secret, and nothing that a terminal would obey.
 */
export function differenceOf(changes: readonly Change[], system: System): string[] {
  const lines = changes.flatMap((change) => linesOf(change, system)).map(plain);
  if (lines.length <= AREA_DIFFERENCE_LINES_MAX) return lines;
  const left = lines.length - AREA_DIFFERENCE_LINES_MAX;
  return [...lines.slice(0, AREA_DIFFERENCE_LINES_MAX), `… and ${left} more lines`];
}

function linesOf(change: Change, system: System): string[] {
  const { path } = change;
  const facts = system.facts(path);
  const there = facts?.kind === 'link' ? ` (was a link to ${system.readLink(path)})` : '';
  switch (change.kind) {
    case 'link':
      return [`${path}: a link to ${change.target}${there || (facts ? ' (was a file)' : '')}`];
    case 'folder':
      return [`${path}: a new folder, ${owned(change)}`];
    case 'metadata':
      return [`${path}: ${owned(change)}${facts ? ` (was ${owned(facts)})` : ''}`];
    case 'remove':
      return [`${path}: removed${there}`, ...contentLines(path, facts, system, undefined)];
    case 'file': {
      const was = facts?.kind === 'file' && owned(facts) !== owned(change) ? ` (was ${owned(facts)})` : '';
      const what = facts ? `${path}: ` : `${path}: a new file, `;
      return [`${what}${owned(change)}${was}${there}`, ...contentLines(path, facts, system, change)];
    }
  }
}

function contentLines(
  path: string,
  facts: Facts | undefined,
  system: System,
  change: { readonly content: Uint8Array; readonly mode: number } | undefined,
): string[] {
  const old = facts?.kind === 'file' ? (system.read(path) ?? Buffer.alloc(0)) : Buffer.alloc(0);
  const young = Buffer.from(change?.content ?? []);
  if (old.equals(young)) return [];
  if (!isText(old) || !isText(young)) return [`  binary, ${old.length} bytes before, ${young.length} bytes after`];
  const texts = [old.toString('utf8'), young.toString('utf8')] as const;
  const changes = compareLines(linesOfText(path, texts[0]), linesOfText(path, texts[1]));
  const modes = [...(facts?.kind === 'file' ? [facts.mode] : []), ...(change ? [change.mode] : [])];
  if (isSecretFile(path, modes, texts)) {
    const count = (sign: '+' | '-') => changes.filter((one) => one.sign === sign).length;
    return [`  ${count('+')} lines added, ${count('-')} removed; not shown, since it may hold secrets`];
  }
  return changes.map(({ sign, line }) => `${sign} ${withoutSecrets(path, line)}`);
}

const isText = (bytes: Buffer) => isUtf8(bytes) && !bytes.includes(0);

function linesOfText(path: string, text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return markSecrets(path, lines);
}

const owned = ({ mode, uid, gid }: { mode: number; uid: number; gid: number }) =>
  `mode ${mode.toString(8).padStart(4, '0')}, owner ${uid}:${gid}`;

/** Control characters, and those that turn or hide what stands beside them, as their numbers. */
function plain(line: string): string {
  const odd = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;
  const shown = line.slice(0, AREA_DIFFERENCE_LINE_CHARS + 1).replaceAll('\t', '  ');
  const short =
    shown.length > AREA_DIFFERENCE_LINE_CHARS ? `${shown.slice(0, AREA_DIFFERENCE_LINE_CHARS - 1)}…` : shown;
  return short.toWellFormed().replaceAll(odd, (one) => `\\u{${one.codePointAt(0)!.toString(16)}}`);
}
