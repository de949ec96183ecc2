/** A file of named settings of consoles and keyboards, and what it says before anybody chose. */
export interface SettingFile {
  readonly path: string;
  readonly title: string;
  /** Undefined: any name of letters. */
  readonly names?: readonly string[];
  /** In which section its settings are; undefined: the file has no sections. */
  readonly section?: string;
  readonly quotes: boolean;
  readonly unchosen: Readonly<Record<string, readonly string[]>>;
}

export const LOGIND = '/etc/systemd/logind.conf';

export const SETTING_FILES: readonly SettingFile[] = [
  {
    path: '/etc/default/keyboard',
    title: 'Keyboard',
    names: ['XKBMODEL', 'XKBLAYOUT', 'XKBVARIANT', 'XKBOPTIONS', 'BACKSPACE'],
    quotes: true,
    unchosen: { XKBMODEL: ['pc105', 'pc104'], XKBLAYOUT: ['us'], BACKSPACE: ['guess'] },
  },
  {
    path: '/etc/default/console-setup',
    title: 'Console',
    names: [
      ...['ACTIVE_CONSOLES', 'CHARMAP', 'CODESET', 'FONTFACE', 'FONTSIZE', 'FONT', 'FONT_MAP', 'CONSOLE_MAP'],
      ...['VIDEOMODE', 'SCREEN_WIDTH', 'SCREEN_HEIGHT'],
    ],
    quotes: true,
    unchosen: {
      ACTIVE_CONSOLES: ['/dev/tty[1-6]'],
      CHARMAP: ['UTF-8'],
      CODESET: ['guess', 'Lat15', 'Uni2', 'Uni1', 'Uni3'],
      FONTFACE: ['Fixed'],
      FONTSIZE: ['8x16'],
    },
  },
  {
    path: '/etc/vconsole.conf',
    title: 'Console',
    names: [
      ...['KEYMAP', 'KEYMAP_TOGGLE', 'FONT', 'FONT_MAP', 'FONT_UNIMAP'],
      ...['XKBLAYOUT', 'XKBMODEL', 'XKBVARIANT', 'XKBOPTIONS'],
    ],
    quotes: true,
    unchosen: { KEYMAP: ['us'], XKBLAYOUT: ['us'], XKBMODEL: ['pc105'], FONT: ['eurlatgr', 'default8x16'] },
  },
  {
    path: LOGIND,
    title: 'Sessions, power keys and lid',
    section: 'Login',
    quotes: false,
    unchosen: {},
  },
];

export function settingFileOf(path: string): SettingFile | undefined {
  return SETTING_FILES.find((file) => file.path === path);
}

/** Whether a value is what an installer writes where nobody chose. */
export const isUnchosen = ({ unchosen }: SettingFile, name: string, value: string): boolean =>
  value === '' || (unchosen[name]?.includes(value) ?? false);
