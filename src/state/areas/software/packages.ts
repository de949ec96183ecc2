import { DPKG_STATUS_MAX_BYTES } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';

/** A package that dpkg has installed; named as osquery's `deb_packages`. */
export interface DebPackage {
  readonly name: string;
  readonly version: string;
  readonly isHeld: boolean;
  /** Part of every installation, or a library, which comes with what needs it. */
  readonly comesAlong: boolean;
}

/** Fields of each stanza of a Debian control file; of those with several lines the first. */
export function* stanzasOf(text: string): Generator<Map<string, string>> {
  for (const stanza of text.split(/\n{2,}/)) {
    const fields = new Map<string, string>();
    for (const line of stanza.split('\n')) {
      const colon = line.indexOf(':');
      if (colon > 0 && !/^[\s#]/.test(line))
        fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    if (fields.size > 0) yield fields;
  }
}

export function writeStanzas(stanzas: readonly ReadonlyMap<string, string>[]): string {
  return stanzas.map((fields) => [...fields].map(([name, value]) => `${name}: ${value}\n`).join('')).join('\n');
}

const NAME = /^[a-z0-9][a-z0-9+.-]+$/;
const VERSION = /^[A-Za-z0-9.+:~-]+$/;
export const isPackageName = (name: string): boolean => name.length <= 200 && NAME.test(name);

/** Installed packages, by name; those of another architecture count as the same. */
export function installedPackages(system: System): Map<string, DebPackage> {
  const packages = new Map<string, DebPackage>();
  for (const fields of stanzasOf(system.text('/var/lib/dpkg/status', DPKG_STATUS_MAX_BYTES) ?? '')) {
    const name = fields.get('package') ?? '';
    const version = fields.get('version') ?? '';
    const [want, , state] = (fields.get('status') ?? '').split(' ');
    if (state !== 'installed' || !isPackageName(name) || !VERSION.test(version)) continue;
    const comesAlong =
      fields.get('essential') === 'yes' ||
      fields.get('priority') === 'required' ||
      /^(?:[\w-]+\/)?(?:old)?libs$/.test(fields.get('section') ?? '');
    packages.set(name, { name, version, isHeld: want === 'hold', comesAlong });
  }
  return packages;
}

/** Those that somebody asked for: apt notes the others as installed automatically. */
export function manualPackages(system: System): DebPackage[] {
  const automatic = new Set<string>();
  for (const fields of stanzasOf(system.text('/var/lib/apt/extended_states', DPKG_STATUS_MAX_BYTES) ?? '')) {
    if (fields.get('auto-installed') === '1') automatic.add(fields.get('package') ?? '');
  }
  return [...installedPackages(system).values()].filter(({ name, comesAlong }) => !comesAlong && !automatic.has(name));
}

/** The release's name, as sources of packages call it; empty where it has none. */
export const codenameOf = (system: System): string =>
  /^VERSION_CODENAME=["']?([\w.-]+)/m.exec(system.text('/etc/os-release') ?? '')?.[1] ?? '';
