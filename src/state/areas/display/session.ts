import { DISPLAY_ICON_MAX_BYTES } from '../../../common/limits.ts';
import type { System } from '../base/system.ts';
import { readKeyFile, valueIn } from './key-file.ts';
import type { Session } from './schema.ts';

/** Where the accounts service keeps what the login screen knows of people. */
export const SERVICE = '/var/lib/AccountsService';
export const USERS = `${SERVICE}/users`;
export const ICONS = `${SERVICE}/icons`;
export const SESSION_FOLDERS = ['/usr/share/wayland-sessions', '/usr/share/xsessions'];

/** The session and the picture that somebody chose; undefined where nothing was chosen. */
export function readSession(system: System, name: string, home: string): Session | undefined {
  const values = readKeyFile(system.text(`${USERS}/${name}`) ?? '');
  const session = valueIn(values, 'User', 'Session');
  const xsession = valueIn(values, 'User', 'XSession');
  const path = valueIn(values, 'User', 'Icon') ?? '';
  const icon = path === `${ICONS}/${name}` ? system.read(path, DISPLAY_ICON_MAX_BYTES) : undefined;
  const found: Session = {
    ...(session && { session }),
    ...(xsession && { xsession }),
    ...(path.startsWith(`${home}/`) && { iconPath: path }),
    ...(icon && { icon: icon.toString('base64') }),
  };
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Whether a machine has the session that goes by that name. */
export function hasSession(system: System, name: string): boolean {
  return SESSION_FOLDERS.some((folder) => system.facts(`${folder}/${name}.desktop`) !== undefined);
}

/** For people, of one line. */
export function describeSession({ session, xsession, icon, iconPath }: Session): string {
  const names = [...new Set([session, xsession].filter((name) => name !== undefined))];
  return [...names, ...(icon || iconPath ? ['a picture'] : [])].join(', ') || 'none';
}
