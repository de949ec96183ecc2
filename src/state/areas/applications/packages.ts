import { DPKG_STATUS_MAX_BYTES } from '../../../common/limits.ts';
import type { CatalogueRule } from '../../catalogue/schema.ts';
import type { System } from '../base/system.ts';
import type { Lookup } from './lookup.ts';
import type { Person } from './people.ts';
import type { Package } from './schema.ts';

/** What is installed on a machine, by the files of its package managers. */
export interface Installed {
  readonly deb: ReadonlySet<string>;
  readonly flatpak: ReadonlySet<string>;
  readonly snap: ReadonlySet<string>;
}

export function installedOn(system: System, lookup: Lookup, people: readonly Person[]): Installed {
  const flatpaks = ['/var/lib/flatpak/app', ...people.map(({ home }) => `${home}/.local/share/flatpak/app`)];
  const snaps = [...lookup.names('/var/lib/snapd/snaps')].map((file) => file.split('_')[0]!);
  return {
    deb: debsOf(system.text('/var/lib/dpkg/status', DPKG_STATUS_MAX_BYTES) ?? ''),
    flatpak: new Set(flatpaks.flatMap((folder) => [...lookup.names(folder)])),
    snap: new Set(snaps),
  };
}

/** Those packages of a rule that are installed. */
export function packagesOf({ packages, flatpak, snap }: CatalogueRule, installed: Installed): Package[] {
  return [
    ...packages.filter((name) => installed.deb.has(name)).map((name): Package => ({ name, source: 'deb' })),
    ...flatpak.filter((name) => installed.flatpak.has(name)).map((name): Package => ({ name, source: 'flatpak' })),
    ...snap.filter((name) => installed.snap.has(name)).map((name): Package => ({ name, source: 'snap' })),
  ];
}

/** Names of installed packages, of dpkg's status file; configured or not, not those that only left their settings. */
function debsOf(status: string): ReadonlySet<string> {
  const names = new Set<string>();
  let name: string | undefined;
  for (const [, field, value] of status.matchAll(/^(Package|Status): (.*)$/gm)) {
    if (field === 'Package') name = value;
    else if (name && value?.startsWith('install ') && !value.endsWith('-files')) names.add(name);
  }
  return names;
}
