import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import { globPaths } from '../base/glob.ts';
import { homesOf } from '../base/homes-of.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { parseTsm } from './rules.ts';
import type { BackupRulesContent, RulesInHome } from './schema.ts';
import { HOME_PATTERNS, homePlaceOf, isNever, NEVER_PATTERNS, placeOf, SYSTEM_PATTERNS } from './tools.ts';

const PATHS_MAX = 500;

/** Settings of backup programs, as files; of those in homes only what they take and leave. */
export function captureBackupRules(system: System, about: CaptureAbout): Captured<BackupRulesContent> | undefined {
  const couldNot: CouldNot[] = [];
  const files = systemFiles(system, couldNot);
  const inHomes = homesOf(system, about.users)
    .flatMap(({ path }) => rulesInHome(system, path))
    .slice(0, AREA_ITEMS_MAX);
  if (files.length + inHomes.length + couldNot.length === 0) return undefined;
  return { content: { files, inHomes }, couldNot };
}

function systemFiles(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const paths = new Set(SYSTEM_PATTERNS.flatMap((pattern) => globPaths(system, pattern, PATHS_MAX)));
  for (const path of NEVER_PATTERNS.flatMap((pattern) => globPaths(system, pattern, PATHS_MAX)).filter(isNever)) {
    couldNot.push({ what: path, why: 'passwords of backup clients are not carried; log in to the server anew' });
  }
  const files: ConfigFile[] = [];
  for (const path of [...paths].sort()) {
    if (isNever(path) || system.facts(path)?.kind !== 'file' || dpkg.isPristine(path)) continue;
    const file = readConfigFile(system, path);
    if (file) files.push(file);
    else couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    for (const list of listsElsewhere(file)) {
      couldNot.push({
        what: list,
        why: `${path} names it as a list, and it lies in no usual place; give it as a PATH`,
      });
    }
  }
  return files.slice(0, AREA_ITEMS_MAX);
}

/** Lists that a client's options name, and that are not taken with them. */
function listsElsewhere(file: ConfigFile | undefined): string[] {
  if (!file?.text || !/\.(sys|opt)$/.test(file.path)) return [];
  return parseTsm(file.text)
    .filter(({ keyword }) => keyword === 'INCLEXCL')
    .map(({ value }) => value.replace(/^(["'])(.*)\1$/, '$2'))
    .filter((path) => path.startsWith('/') && placeOf(path) === undefined);
}

function rulesInHome(system: System, home: string): RulesInHome[] {
  if (/[*?{}]/.test(home)) return [];
  const paths = HOME_PATTERNS.flatMap((pattern) => globPaths(system, `${home}${pattern}`, PATHS_MAX));
  const found = [...new Set(paths)].flatMap((path): RulesInHome[] => {
    const place = homePlaceOf(path.slice(home.length));
    if (!place) return [];
    const { include, exclude } = place.rules(system.text(path) ?? '');
    return [{ home, path, tool: place.tool, include: [...include], exclude: [...exclude] }];
  });
  const dconf = `${home}/.config/dconf/user`;
  // Déjà Dup's settings stand in the database of dconf, under its name.
  const hasDejaDup = system.read(dconf)?.includes('deja-dup') === true;
  return hasDejaDup ? [...found, { home, path: dconf, tool: 'Déjà Dup', include: [], exclude: [] }] : found;
}
