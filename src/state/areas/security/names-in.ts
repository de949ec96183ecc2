import { mapHomes } from '../base/home-paths.ts';
import type { Owners } from '../base/types.ts';

/** The same text with the names that people and groups have on the target. */
export type NameMapper = (text: string, owners: Owners) => string;

/** A statement of sudoers with the lines that it is continued in. */
const STATEMENT = /(?:[^\n]*\\\n)*[^\n]*(?:\n|$)/g;
/** A user, or `%` and a group; aliases are written large, `#` means a number, `+` a netgroup. */
const SUDO_NAME = /(?<![\w%+#@"\\.-])(%?)([a-z_][\w-]*\$?)(?![\w@"\\.-])/g;

/** Who may, and as whom, in a file of sudoers; commands, hosts and options stay, but for homes in them. */
export function mapSudoers(text: string, owners: Owners): string {
  return text.replaceAll(STATEMENT, (statement) => mapHomes(mapStatement(statement, owners), owners));
}

function mapStatement(statement: string, owners: Owners): string {
  const map = (part: string) =>
    part.replaceAll(SUDO_NAME, (_, sign: string, name: string) =>
      sign === '%' ? `%${owners.group(name)}` : owners.user(name),
    );
  if (/^\s*(#|@include|Host_Alias\b|Cmnd_Alias\b|Cmd_Alias\b|Defaults[\s!@])/.test(statement)) return statement;
  const [alias] = /^\s*(?:User|Runas)_Alias\s/.exec(statement) ?? [];
  if (alias !== undefined) return `${alias}${map(statement.slice(alias.length))}`;
  const [defaults] = /^\s*Defaults[:>]\s*/.exec(statement) ?? [];
  const start = defaults?.length ?? 0;
  const list = /^\s*[^\s,=]+(?:\s*,\s*[^\s,=]+)*/.exec(statement.slice(start))?.[0] ?? '';
  const rest = statement.slice(start + list.length);
  const asWhom =
    defaults === undefined
      ? rest.replaceAll(/\(([^()]*)\)/g, (_, inner: string) => mapRunAs(inner, map, owners))
      : rest;
  return `${statement.slice(0, start)}${map(list)}${asWhom}`;
}

function mapRunAs(inner: string, map: (part: string) => string, owners: Owners): string {
  const colon = inner.indexOf(':');
  const users = colon < 0 ? inner : inner.slice(0, colon);
  const groups = colon < 0 ? undefined : inner.slice(colon + 1);
  const mapped = groups?.replaceAll(SUDO_NAME, (_, sign: string, name: string) => `${sign}${owners.group(name)}`);
  return `(${map(users)}${mapped === undefined ? '' : `:${mapped}`})`;
}

/** Who may log in, in a file of sshd. */
export function mapSshd(text: string, owners: Owners): string {
  const mapWords = (words: string, map: (name: string) => string) =>
    words.replaceAll(/[^\s,]+/g, (word) => {
      const [name = '', ...host] = word.replace(/^!/, '').split('@');
      return `${word.startsWith('!') ? '!' : ''}${[map(name), ...host].join('@')}`;
    });
  const user = (name: string) => owners.user(name);
  const group = (name: string) => owners.group(name);
  return mapHomes(text, owners)
    .replaceAll(
      /^([^\S\n]*(?:Allow|Deny)Users\s+)(.*)$/gim,
      (_, key: string, words: string) => key + mapWords(words, user),
    )
    .replaceAll(
      /^([^\S\n]*(?:Allow|Deny)Groups\s+)(.*)$/gim,
      (_, key: string, words: string) => key + mapWords(words, group),
    )
    .replaceAll(
      /^([^\S\n]*Match\s.*?\bUser\s+)(\S+)/gim,
      (_, key: string, words: string) => key + mapWords(words, user),
    )
    .replaceAll(
      /^([^\S\n]*Match\s.*?\bGroup\s+)(\S+)/gim,
      (_, key: string, words: string) => key + mapWords(words, group),
    );
}

/** Whom a rule of polkit is about. */
export const mapPolkit: NameMapper = (text, owners) =>
  text
    .replaceAll(
      /(subject\.user\s*={2,3}\s*["'])([\w.-]+)(?=["'])/g,
      (_, before: string, name: string) => before + owners.user(name),
    )
    .replaceAll(
      /(isInGroup\(\s*["'])([\w.-]+)(?=["'])/g,
      (_, before: string, name: string) => before + owners.group(name),
    )
    .replaceAll(/(unix-user:)([\w.-]+)/g, (_, before: string, name: string) => before + owners.user(name))
    .replaceAll(/(unix-group:)([\w.-]+)/g, (_, before: string, name: string) => before + owners.group(name));

/** `/etc/security/limits.d`: a user, `@` and a group, or `*`, begins each line. */
export const mapLimits: NameMapper = (text, owners) =>
  text.replaceAll(
    /^([^\S\n]*)(@?)([a-z_][\w-]*)(?=\s)/gm,
    (_, before: string, sign: string, name: string) =>
      `${before}${sign}${sign === '@' ? owners.group(name) : owners.user(name)}`,
  );
