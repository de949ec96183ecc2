import type { ConfigFile } from '../base/config-file.ts';
import type { PrivilegedEffect } from '../base/types.ts';

const UNITS = '/etc/systemd/system';
const LOGIND_FOLDER = '/etc/systemd/logind.conf.d';
const UDEV_FOLDER = '/etc/udev/rules.d';
const XKB_FILE = '/etc/X11/xorg.conf.d/00-keyboard.conf';
const SHOWN = ['/etc/issue', '/etc/issue.net'];

export const SINGLE_FILES = [XKB_FILE, '/etc/securetty', ...SHOWN];
export const PLAIN_FOLDERS = [LOGIND_FOLDER, UDEV_FOLDER];

/** Of the units, those of gettys: `getty@tty1.service`, and folders of drop-ins beside them. */
const GETTY = /^((getty|serial-getty|autovt)@[A-Za-z0-9_:-]{0,30}|console-getty)\.service$/;
const GETTY_FOLDER = /^((getty|serial-getty|autovt)@[A-Za-z0-9_:-]{0,30}|console-getty)\.service\.d$/;

export const isGettyName = (name: string): boolean => GETTY.test(name);
export const isGettyFolder = (name: string): boolean => GETTY_FOLDER.test(name);
export const gettyFolderOf = (name: string): string => `${UNITS}/${name}`;
export const UNIT_FOLDER = UNITS;

/** What a file is to the machine; undefined where it is none of this area. */
export function kindOfFile(file: ConfigFile): { readonly effect?: PrivilegedEffect } | undefined {
  const { path } = file;
  const names = path.split('/');
  const name = names.at(-1) ?? '';
  const folder = names.slice(0, -1).join('/');
  if (!/^[\w@.:+-]+$/.test(name)) return undefined;
  if (path === XKB_FILE) return isPlainXkb(file) ? {} : { effect: 'root-file' };
  if (path === '/etc/securetty') return { effect: 'root-file' };
  if (SHOWN.includes(path)) return isPlainText(file) ? {} : { effect: 'root-file' };
  if (folder === LOGIND_FOLDER) return { effect: 'root-file' };
  if (folder === UDEV_FOLDER) return { effect: 'udev' };
  const isGetty = folder === UNITS ? isGettyName(name) : isGettyFolder(folder.slice(UNITS.length + 1));
  return folder.startsWith(UNITS) && isGetty ? { effect: 'root-runs' } : undefined;
}

/** A keyboard's section as localectl writes it: nothing that loads anything. */
function isPlainXkb({ text }: ConfigFile): boolean {
  const lines = text?.split('\n').map((line) => line.trim()) ?? ['?'];
  return lines.every((line) =>
    /^(#.*|Section "InputClass"|Identifier "[\w -]*"|MatchIsKeyboard "on"|Option "Xkb\w+" "[\w,:+.()-]*"|EndSection)?$/i.test(
      line,
    ),
  );
}

/** Nothing that a terminal takes for an order, and no link. */
const isPlainText = ({ text }: ConfigFile): boolean => text !== undefined && /^(?:[^\p{Cc}]|[\n\t])*$/u.test(text);

/** Rules that know a device by the address of its adapter, which another machine has not. */
export function isBoundToAdapter({ path, text }: ConfigFile): boolean {
  const isRule = path.startsWith(`${UDEV_FOLDER}/`);
  return isRule && (/persistent-net/.test(path) || /ATTR\{address\}\s*==/.test(text ?? ''));
}
