import type { System } from '../base/system.ts';

/** Where GNOME's login screen has its home, and whose it is, by distribution. */
const PLACES = [
  { home: '/var/lib/gdm3', user: 'Debian-gdm' },
  { home: '/var/lib/gdm3', user: 'gdm' },
  { home: '/var/lib/gdm', user: 'gdm' },
];

export interface LoginScreen {
  /** monitors.xml of it, there or not. */
  readonly path: string;
  readonly folder: string;
  readonly uid: number;
  readonly gid: number;
}

export const LOGIN_SCREEN_FILES = PLACES.map(({ home }) => `${home}/.config`).flatMap((folder) => [
  folder,
  `${folder}/monitors.xml`,
]);

/** The login screen of a machine; undefined where it has none of GNOME's. */
export function loginScreenOf(system: System): LoginScreen | undefined {
  const passwd = system.text('/etc/passwd') ?? '';
  for (const { home, user } of PLACES) {
    const [, uid, gid] = new RegExp(`^${user}:[^:\\n]*:(\\d+):(\\d+):`, 'm').exec(passwd) ?? [];
    if (uid === undefined || gid === undefined || system.facts(home)?.kind !== 'folder') continue;
    return { path: `${home}/.config/monitors.xml`, folder: `${home}/.config`, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
