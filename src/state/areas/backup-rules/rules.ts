import { parse as parseYaml } from 'yaml';

/** What a backup program takes and leaves, as its own settings write it, in order. */
export interface BackupRules {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Reads the rules of one format; any text is read, what is no rule is passed over. */
export type RuleParser = (text: string) => BackupRules;

export const NO_RULES: BackupRules = { include: [], exclude: [] };

/** One option of IBM's client: `KEYWORD value`, in a file whose comments begin with `*`. */
export interface TsmOption {
  readonly keyword: string;
  readonly value: string;
}

export const parseTsm = (text: string): TsmOption[] =>
  text.split('\n').flatMap((line) => {
    const [, keyword, value] = /^\s*([A-Za-z][A-Za-z0-9._]*)(?:\s+(.*?))?\s*$/.exec(line) ?? [];
    return keyword === undefined ? [] : [{ keyword: keyword.toUpperCase(), value: value ?? '' }];
  });

export const writeTsm = (options: readonly TsmOption[]): string =>
  options.map(({ keyword, value }) => `${value === '' ? keyword : `${keyword} ${value}`}\n`).join('');

/** IBM Spectrum Protect (TSM): `INCLUDE…`, `EXCLUDE…` with what they are about, and `DOMAIN`. */
export const tsmRules: RuleParser = (text) => {
  const options = parseTsm(text);
  const of = (stem: string) =>
    options
      .filter(({ keyword, value }) => (keyword === stem || keyword.startsWith(`${stem}.`)) && value !== '')
      .map(({ keyword, value }) =>
        keyword === stem ? value : `${keyword.slice(stem.length + 1).toLowerCase()} ${value}`,
      );
  return { include: [...of('DOMAIN').map((value) => `domain ${value}`), ...of('INCLUDE')], exclude: of('EXCLUDE') };
};

/** A list of patterns to leave out, one a line: restic, borg, duplicity. `!` and `+` take back, `- ` leaves out. */
export const listRules: RuleParser = (text) => {
  const lines = linesOf(text);
  const isBack = (line: string) => /^[!+]/.test(line);
  return {
    include: lines.filter(isBack).map((line) => line.replace(/^[!+]\s*/, '')),
    exclude: lines.filter((line) => !isBack(line)).map((line) => line.replace(/^-\s+/, '')),
  };
};

/** rsnapshot: fields set off by tabs. */
export const rsnapshotRules: RuleParser = (text) => {
  const fields = linesOf(text).map((line) => line.split(/\t+/));
  const of = (...keys: string[]) =>
    fields.flatMap(([key = '', value = '']) => (keys.includes(key) && value !== '' ? [value] : []));
  return { include: of('backup', 'include'), exclude: of('exclude') };
};

/** Back In Time: `profile1.snapshots.exclude.3.value=PATH`. */
export const backInTimeRules: RuleParser = (text) => {
  const of = (what: string) =>
    linesOf(text).flatMap((line) => {
      const [, kind, value] = /^profile\d+\.snapshots\.(include|exclude)\.\d+\.value=(.+)$/.exec(line) ?? [];
      return kind === what && value !== undefined ? [value] : [];
    });
  return { include: of('include'), exclude: of('exclude') };
};

/** Timeshift: JSON with a list `exclude`, whose `+ ` takes back. */
export const timeshiftRules: RuleParser = (text) => {
  const lists = attempt(() => JSON.parse(text) as unknown);
  const patterns = [...wordsAt(lists, ['exclude']), ...wordsAt(lists, ['exclude-apps'])];
  return listRules(patterns.join('\n'));
};

/** Reading YAML takes time that grows faster than the text does. */
const YAML_MAX_CHARS = 64 * 1024;
const YAML = { maxAliasCount: 50 };

/** borgmatic: YAML; up to its version 1.7 under `location`. */
export const borgmaticRules: RuleParser = (text) => {
  const settings = text.length > YAML_MAX_CHARS ? undefined : attempt(() => parseYaml(text, YAML) as unknown);
  const of = (...keys: string[]) =>
    keys.flatMap((key) => [...wordsAt(settings, [key]), ...wordsAt(settings, ['location', key])]);
  return {
    include: of('source_directories', 'patterns', 'patterns_from'),
    exclude: of('exclude_patterns', 'exclude_from', 'exclude_if_present'),
  };
};

/** Bareos and Bacula say it at their director; Amanda in lists. */
export const noRules: RuleParser = () => NO_RULES;

function wordsAt(value: unknown, keys: readonly string[]): string[] {
  let at = value;
  for (const key of keys) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return [];
    at = (at as Record<string, unknown>)[key];
  }
  const words = Array.isArray(at) ? at : [at];
  return words.filter((word): word is string => typeof word === 'string');
}

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
