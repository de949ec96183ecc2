import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import { globPaths } from '../base/glob.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { isShipped, kindOf, LISTED_PATTERNS, PATTERNS } from './kinds.ts';
import type { SecurityContent } from './schema.ts';
import { isTrusted } from './trust.ts';

const PATHS_MAX = 1000;

/** What decides who may do what, where it differs from what packages brought. */
export function captureSecurity(system: System, _about: CaptureAbout): Captured<SecurityContent> | undefined {
  const couldNot: CouldNot[] = [];
  for (const folder of ['/etc/sudoers.d', '/etc/polkit-1/rules.d']) {
    if (system.isUnreadable(folder)) couldNot.push({ what: folder, why: 'it cannot be read; run as root' });
  }
  const files = pathsOf(system, PATTERNS).flatMap((path): ConfigFile[] => {
    if (!kindOf(path) || isShipped(system, path)) return [];
    const file = readConfigFile(system, path);
    if (!file) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    return file ? [file] : [];
  });
  const trusted = files
    .filter(({ path, text }) => kindOf(path)?.name === 'certificate' && isTrusted(system, text ?? ''))
    .map(({ path }) => path);
  const dpkg = dpkgOf(system);
  const listed = pathsOf(system, LISTED_PATTERNS).filter(
    (path) => !dpkg.isPristine(path) && !isMadeByTool(system, path),
  );
  if (files.length + listed.length + couldNot.length === 0) return undefined;
  return { content: { files, trusted, listed }, couldNot };
}

const pathsOf = (system: System, patterns: readonly string[]): string[] =>
  [...new Set(patterns.flatMap((pattern) => globPaths(system, pattern, PATHS_MAX)))]
    .filter((path) => system.facts(path)?.kind === 'file')
    .sort()
    .slice(0, AREA_ITEMS_MAX);

/** `common-*` are written by pam-auth-update out of what packages say. */
const isMadeByTool = (system: System, path: string): boolean =>
  /^\/etc\/pam\.d\/common-/.test(path) && /pam-auth-update/.test(system.text(path) ?? '');
