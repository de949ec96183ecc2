import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import { alternatives, globPaths } from '../base/glob.ts';
import { matchesPath } from '../base/path-patterns.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';

const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['source', alternatives('/etc/apt/{sources.list,sources.list.d/*.list,sources.list.d/*.sources}')],
  ['keyring', alternatives('/{etc/apt/keyrings,etc/apt/trusted.gpg.d,usr/share/keyrings}/{*.gpg,*.asc}')],
  ['preference', alternatives('/etc/apt/{preferences,preferences.d/*}')],
  ['account', ['/etc/apt/auth.conf.d/*.conf']],
];

export const SOFTWARE_WRITES: readonly string[] = [
  ...KINDS.flatMap(([, patterns]) => patterns),
  ...['sources.list.d', 'keyrings', 'trusted.gpg.d', 'preferences.d', 'auth.conf.d'].map((name) => `/etc/apt/${name}`),
];

/** `source`, `keyring`, `preference` or `account`; undefined for what is none. */
export const sourceKindOf = (path: string): string | undefined =>
  KINDS.find(([, patterns]) => patterns.some((pattern) => matchesPath(pattern, path)))?.[0];

/** What no package brought. */
export function readSources(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const paths = KINDS.flatMap(([, patterns]) => patterns.flatMap((pattern) => globPaths(system, pattern, 1000)));
  return [...new Set(paths)]
    .filter((path) => system.facts(path)?.kind === 'file' && !dpkg.isPristine(path))
    .sort()
    .flatMap((path) => {
      const file = readConfigFile(system, path);
      if (!file) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
      return file ? [file] : [];
    });
}
