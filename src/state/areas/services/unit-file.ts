/** A setting of a unit file. An empty value takes back what came before. */
export interface UnitSetting {
  readonly section: string;
  readonly key: string;
  readonly value: string;
}

export interface UnitFile {
  readonly settings: readonly UnitSetting[];
  /** Lines that are neither settings, sections, comments nor blank, from 1. */
  readonly wrongLines: readonly number[];
}

/** Names that units may have, with the endings of those that this area knows. */
const UNIT_NAME =
  /^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.(service|socket|path|target|mount|automount|swap|slice|timer)$/;

export const isUnitName = (name: string): boolean => name.length <= 255 && UNIT_NAME.test(name);

/** Reads a unit file or a drop-in as systemd does: `\` at a line's end joins the next one, comments between are left out. */
export function parseUnit(text: string): UnitFile {
  const settings: UnitSetting[] = [];
  const wrongLines: number[] = [];
  let section = '';
  let joined = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*[#;]/.test(line)) continue;
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    const whole = `${joined}${line}`.trim();
    joined = '';
    if (whole === '') continue;
    const header = /^\[([^[\]]+)\]$/.exec(whole)?.[1];
    const [, key, value = ''] = /^([A-Za-z][A-Za-z0-9-]*)\s*=\s*(.*)$/s.exec(whole) ?? [];
    if (header !== undefined) section = header;
    else if (key !== undefined && section !== '') settings.push({ section, key, value });
    else wrongLines.push(index + 1);
  }
  if (joined.trim() !== '') wrongLines.push(text.split('\n').length);
  return { settings, wrongLines };
}

export function writeUnit(settings: readonly UnitSetting[]): string {
  let section = '';
  const lines: string[] = [];
  for (const one of settings) {
    if (one.section !== section) lines.push(...(section === '' ? [] : ['']), `[${one.section}]`);
    section = one.section;
    lines.push(`${one.key}=${one.value}`);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Words of a list setting, all its lines together. */
export function listOf({ settings }: UnitFile, section: string, key: string): string[] {
  let words: string[] = [];
  for (const one of settings) {
    if (one.section !== section || one.key !== key) continue;
    words = one.value === '' ? [] : [...words, ...one.value.split(/\s+/)];
  }
  return words;
}

/** Why systemd would not take a unit file of that name; undefined where it would. */
export function unitProblem(name: string, text: string): string | undefined {
  const unit = parseUnit(text);
  const [wrong] = unit.wrongLines;
  if (wrong !== undefined) return `line ${wrong} is neither a setting nor a section`;
  if (text.includes('\0')) return 'it holds a NUL byte';
  if (!name.endsWith('.service')) return undefined;
  const has = (...keys: string[]) =>
    unit.settings.some(({ section, key, value }) => section === 'Service' && keys.includes(key) && value !== '');
  const canBe = has('ExecStart', 'ExecStop', 'BusName') || unit.settings.some(({ key }) => key === 'SuccessAction');
  return canBe ? undefined : 'a service needs ExecStart or ExecStop';
}
