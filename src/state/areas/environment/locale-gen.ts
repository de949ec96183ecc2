export const LOCALE_GEN = '/etc/locale.gen';
/** Every locale that a machine can generate, a line each. */
export const SUPPORTED = '/usr/share/i18n/SUPPORTED';

const LINE = /^(#\s*)?([A-Za-z][A-Za-z0-9_.@-]*) +([A-Z][A-Za-z0-9_-]*)\s*$/;

/** The locales that locale.gen asks for, as `name charset`. */
export function readLocaleGen(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, comment, name, set] = LINE.exec(line) ?? [];
    return name !== undefined && comment === undefined ? [`${name} ${set}`] : [];
  });
}

/** The file with one more locale asked for: its commented line made one, or a line at the end. */
export function askForLocale(text: string, locale: string): string {
  if (readLocaleGen(text).includes(locale)) return text;
  const lines = text.split('\n');
  const at = lines.findIndex((line) => {
    const [, comment, name, set] = LINE.exec(line) ?? [];
    return comment !== undefined && `${name} ${set}` === locale;
  });
  if (at >= 0) return [...lines.slice(0, at), locale, ...lines.slice(at + 1)].join('\n');
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${locale}\n`;
}

/** The name under which programs ask for it. */
export const nameOfLocale = (locale: string): string => locale.split(' ')[0] ?? locale;
