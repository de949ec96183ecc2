import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { isPlainPath } from './change.ts';
import { isRemote, mountOf, mountsOf } from './mounts.ts';
import type { System } from './system.ts';

export interface Home {
  readonly user: string;
  readonly path: string;
}

/** Numbers of a Linux machine's people; below are its own accounts, above are nobody and those that systemd makes up. */
const PEOPLE_FROM = 1000;
const PEOPLE_TO = 59_999;

/** Homes of local people, or of those that are named, by `/etc/passwd`. Neither root's, nor those that lie on a server. */
export function homesOf(system: System, users?: ReadonlySet<string>): Home[] {
  const mounts = mountsOf(system);
  const isHere = (path: string) => {
    const mount = mountOf(mounts, path);
    return mount === undefined || !isRemote(mount);
  };
  return (system.text('/etc/passwd') ?? '')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length === 7 && isPerson(Number(fields[2])))
    .map(([user = '', , , , , path = '']) => ({ user, path }))
    .filter(({ user, path }) => isPlainPath(path) && isHere(path) && (users?.has(user) ?? true))
    .slice(0, AREA_ITEMS_MAX);
}

const isPerson = (uid: number): boolean => uid >= PEOPLE_FROM && uid <= PEOPLE_TO;
