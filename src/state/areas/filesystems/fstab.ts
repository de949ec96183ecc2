import { tableLines } from './table-lines.ts';

/** A line of fstab (fstab(5)), its octal escapes read. */
export interface FstabEntry {
  /** `UUID=…`, a device, `server:/share`, or a word such as `tmpfs`. */
  readonly device: string;
  /** The mount point; `none` or `swap` for swap. */
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
  readonly freq: number;
  readonly passno: number;
}

export interface Fstab {
  readonly entries: readonly FstabEntry[];
  /** Lines that mount would not take, counted from 1. */
  readonly badLines: readonly number[];
}

export function parseFstab(text: string): Fstab {
  const entries: FstabEntry[] = [];
  const badLines: number[] = [];
  tableLines(text).forEach(({ fields }, at) => {
    if (fields.length === 0) return;
    const [device = '', path, type, options = 'defaults', freq = '0', passno = '0'] = fields;
    const isWhole = path !== undefined && type !== undefined && /^\d{1,3}$/.test(freq) && /^\d{1,3}$/.test(passno);
    if (!isWhole) badLines.push(at + 1);
    else {
      entries.push({
        device: decoded(device),
        path: decoded(path),
        type,
        options: optionsIn(decoded(options)),
        freq: Number(freq),
        passno: Number(passno),
      });
    }
  });
  return { entries, badLines };
}

/** One line, without its end. Throws where a field cannot stand in one. */
export function fstabLine({ device, path, type, options, freq, passno }: FstabEntry): string {
  const fields = [device, path, type, options.join(',') || 'defaults'].map(encoded);
  return [...fields, `${freq}`, `${passno}`].join('\t');
}

/** Whether a field is one that fstab can hold and that says one thing only. */
export const isFstabField = (text: string): boolean => text !== '' && text.length <= 4095 && !/[\0\n\r]/.test(text);

const ESCAPED = /[ \t\n\\]/g;

function encoded(field: string): string {
  if (!isFstabField(field)) throw new TypeError('a field of fstab cannot hold this');
  const escaped = field.replaceAll(ESCAPED, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  // A field that begins a line with # would be a comment.
  return escaped.replace(/^#/, '\\043');
}

/** Escapes are of bytes. */
function decoded(field: string): string {
  const bytes = Buffer.from(field, 'utf8')
    .toString('latin1')
    .replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8) & 0xff));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** At commas, those between quotes left alone, as mount has it. */
function optionsIn(text: string): string[] {
  return text.match(/(?:[^,"]|"[^"]*"?)+/g) ?? ['defaults'];
}
