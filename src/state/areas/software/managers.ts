import { dpkgOf } from '../base/dpkg.ts';
import { globPaths } from '../base/glob.ts';
import { type Home, homesOf } from '../base/homes-of.ts';
import type { System } from '../base/system.ts';

export const MANAGERS = ['flatpak', 'snap', 'npm', 'pipx', 'pip', 'cargo'] as const;
export type Manager = (typeof MANAGERS)[number];

/** A program that another manager than the system's has installed, for everybody or for one person. */
export interface Installed {
  readonly manager: Manager;
  readonly name: string;
  readonly version?: string | undefined;
  readonly user?: string | undefined;
  /** Flatpak's remote, or snap's channel. */
  readonly origin?: string | undefined;
  /** A snap that was installed without confinement. */
  readonly isClassic?: boolean | undefined;
}

const NAMES: Readonly<Record<Manager, RegExp>> = {
  flatpak: /^[A-Za-z_][\w-]*(\.[\w-]+){2,}$/,
  snap: /^[a-z0-9][a-z0-9-]*$/,
  npm: /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/,
  pipx: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  pip: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
  cargo: /^[A-Za-z][A-Za-z0-9_-]*$/,
};

/** Whether a name is one that its manager gives; nothing else gets into a script. */
export function isSound({ manager, name, version, user, origin }: Installed): boolean {
  return (
    name.length <= 200 &&
    NAMES[manager].test(name) &&
    (version === undefined || /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,60}$/.test(version)) &&
    (user === undefined || /^[a-z_][a-z0-9_-]{0,31}$/.test(user)) &&
    (origin === undefined || /^[A-Za-z0-9][A-Za-z0-9./_-]{0,100}$/.test(origin))
  );
}

const MOST = 2000;

/** What can be known from files, without running a manager. */
export function installedByOthers(system: System, users?: ReadonlySet<string>): Installed[] {
  const homes = homesOf(system, users).filter(({ path }) => !/[*?{}]/.test(path));
  const all = [
    ...flatpaks(system, '/var/lib/flatpak'),
    ...snaps(system),
    ...npmPackages(system, '/usr/local/lib/node_modules'),
    ...npmPackages(system, '/usr/lib/node_modules'),
    ...homes.flatMap((home) => ofHome(system, home).map((one) => ({ ...one, user: home.user }))),
  ];
  return all.filter(isSound);
}

function ofHome(system: System, { path }: Home): Installed[] {
  return [
    ...flatpaks(system, `${path}/.local/share/flatpak`),
    ...['.npm-global', '.local'].flatMap((prefix) => npmPackages(system, `${path}/${prefix}/lib/node_modules`)),
    ...['.local/share/pipx', '.local/pipx'].flatMap((folder) => pipxPackages(system, `${path}/${folder}/venvs`)),
    ...pipPackages(system, path),
    ...crates(system, path),
  ];
}

function flatpaks(system: System, folder: string): Installed[] {
  const remotes = [...(system.text(`${folder}/repo/config`) ?? '').matchAll(/^\[remote "([\w.-]+)"\]/gm)];
  return system.list(`${folder}/app`).map((name) => {
    // What was deployed begins with the remote's name, which ends with a NUL.
    const deployed = system.read(`${folder}/app/${name}/current/active/deploy`)?.toString('latin1') ?? '';
    const remote = /^([\w.-]+)\0/.exec(deployed)?.[1] ?? (remotes.length === 1 ? remotes[0]?.[1] : undefined);
    return { manager: 'flatpak', name, ...(remote !== undefined && { origin: remote }) };
  });
}

/** Bases come along by themselves. */
const SNAP_BASE = /^(core\d*|snapd|bare|gnome-\d.*|gtk-common-themes|kf5-.*|mesa-.*)$/;

function snaps(system: System): Installed[] {
  const names = system
    .list('/var/lib/snapd/snaps')
    .flatMap((name) => /^([a-z0-9-]+)_x?\d+\.snap$/.exec(name)?.[1] ?? []);
  const state = jsonOf(system.text('/var/lib/snapd/state.json'));
  return [...new Set(names)]
    .filter((name) => !SNAP_BASE.test(name))
    .map((name) => {
      const channel = at(state, ['data', 'snaps', name, 'channel']);
      const isClassic = at(state, ['data', 'snaps', name, 'classic']) === true;
      return {
        manager: 'snap',
        name,
        isClassic,
        ...(typeof channel === 'string' && channel !== '' && { origin: channel }),
      };
    });
}

function npmPackages(system: System, folder: string): Installed[] {
  const dpkg = dpkgOf(system);
  const names = system
    .list(folder)
    .flatMap((name) =>
      name.startsWith('@') ? system.list(`${folder}/${name}`).map((inner) => `${name}/${inner}`) : [name],
    );
  return names
    .filter((name) => !['npm', 'corepack'].includes(name) && !dpkg.isOwned(`${folder}/${name}/package.json`))
    .flatMap((name): Installed[] => {
      const about = jsonOf(system.text(`${folder}/${name}/package.json`));
      const version = at(about, ['version']);
      return typeof version === 'string' ? [{ manager: 'npm', name, version }] : [];
    });
}

function pipxPackages(system: System, folder: string): Installed[] {
  return system.list(folder).map((name) => {
    const version = at(jsonOf(system.text(`${folder}/${name}/pipx_metadata.json`)), [
      'main_package',
      'package_version',
    ]);
    return { manager: 'pipx', name, ...(typeof version === 'string' && { version }) };
  });
}

function pipPackages(system: System, home: string): Installed[] {
  return globPaths(system, `${home}/.local/lib/python3*/site-packages/*.dist-info`, MOST).flatMap(
    (path): Installed[] => {
      const [, name, version] = /\/([A-Za-z0-9._-]+?)-([^/-]+)\.dist-info$/.exec(path) ?? [];
      return name === undefined ? [] : [{ manager: 'pip', name: name.replaceAll('_', '-'), version }];
    },
  );
}

/** `"ripgrep 14.1.0 (registry+https://…)" = ["rg"]`: only those of the registry can be had again by name. */
function crates(system: System, home: string): Installed[] {
  const text = system.text(`${home}/.cargo/.crates.toml`) ?? '';
  return [...text.matchAll(/^"([\w-]+) (\S+) \((?:registry|sparse)\+/gm)].map(([, name = '', version]) => ({
    manager: 'cargo',
    name,
    version,
  }));
}

function jsonOf(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function at(value: unknown, keys: readonly string[]): unknown {
  let here = value;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}
