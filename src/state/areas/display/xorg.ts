import type { ConfigFile } from '../base/config-file.ts';

export const XORG = '/etc/X11/xorg.conf';
export const XORG_FOLDER = '/etc/X11/xorg.conf.d';

/** The keyboard's file is of the area ttys. */
export const isXorgFile = (path: string): boolean =>
  path === XORG || (/^\/etc\/X11\/xorg\.conf\.d\/[\w@.+-]+\.conf$/.test(path) && !path.endsWith('/00-keyboard.conf'));

/** Whether it names a graphics card or its driver, which another machine may not have. */
export const isBoundToCard = ({ text }: ConfigFile): boolean => /^[^\S\n]*(BusID|Driver)\s/im.test(text ?? '');
