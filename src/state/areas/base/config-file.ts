import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { AREA_FILE_MAX_BYTES, AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { type Change, isPlainPath } from './change.ts';
import type { System } from './system.ts';
import type { CouldNot, Owners } from './types.ts';

const id = z.number().int().min(0).max(0xffff_fffe);
export const plainPath = z.string().refine(isPlainPath, 'an absolute path without . and ..');

/** A small file that an area carries whole, in its document. */
export const configFile = z
  .strictObject({
    path: plainPath,
    mode: z.number().int().min(0).max(0o7777),
    uid: id,
    gid: id,
    /** UTF-8 text, or base64 where it is none, or where a link leads. */
    text: z.string().max(AREA_FILE_MAX_BYTES).optional(),
    base64: z
      .base64()
      .max(AREA_FILE_MAX_BYTES * 2)
      .optional(),
    link: z.string().min(1).max(4095).optional(),
  })
  .refine(
    ({ text, base64, link }) => [text, base64, link].filter((one) => one !== undefined).length === 1,
    'one of text, base64 and link',
  );
export type ConfigFile = z.infer<typeof configFile>;

export const configFiles = z.array(configFile).max(AREA_ITEMS_MAX);

/** The file or link at a path as a document carries it; undefined where there is none. */
export function readConfigFile(system: System, path: string): ConfigFile | undefined {
  const facts = system.facts(path);
  if (!facts) return undefined;
  const { mode, uid, gid } = facts;
  if (facts.kind === 'link') {
    const link = system.readLink(path);
    return link ? { path, mode: 0o777, uid, gid, link } : undefined;
  }
  const bytes = facts.kind === 'file' ? system.read(path) : undefined;
  if (!bytes) return undefined;
  return isUtf8(bytes)
    ? { path, mode, uid, gid, text: bytes.toString('utf8') }
    : { path, mode, uid, gid, base64: bytes.toString('base64') };
}

/** Files and links beneath a folder, or those of its names that `takes` says yes to; folders are gone into. */
export function readConfigFolder(
  system: System,
  folder: string,
  couldNot: CouldNot[],
  takes: (path: string) => boolean = () => true,
  depth = 8,
): ConfigFile[] {
  if (system.isUnreadable(folder)) couldNot.push({ what: folder, why: 'it cannot be read; run as root' });
  return system.list(folder).flatMap((name): ConfigFile[] => {
    const path = `${folder}/${name}`;
    if (system.facts(path)?.kind === 'folder') {
      return depth > 0 ? readConfigFolder(system, path, couldNot, takes, depth - 1) : [];
    }
    if (!takes(path)) return [];
    const file = readConfigFile(system, path);
    if (!file) couldNot.push({ what: path, why: whyNot(system, path) });
    return file ? [file] : [];
  });
}

function whyNot(system: System, path: string): string {
  if (system.isUnreadable(path)) return 'it cannot be read; run as root';
  return 'it is no file or link, or larger than 4 MiB';
}

export function contentOf({ text, base64 }: ConfigFile): Buffer {
  return text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text, 'utf8');
}

/** The change that puts it in place, at its own path or another one, owned by whom its owner is there. */
export function changeOf(file: ConfigFile, owners: Owners, path = file.path): Change {
  if (file.link !== undefined) return { kind: 'link', path, target: file.link };
  // setuid and setgid never come with a configuration file.
  const mode = file.mode & 0o1777;
  return { kind: 'file', path, content: contentOf(file), mode, uid: owners.uid(file.uid), gid: owners.gid(file.gid) };
}

/** Whether a machine has it as it was captured, content and kind. */
export function hasContentOf(system: System, file: ConfigFile, path = file.path): boolean {
  if (file.link !== undefined) return system.readLink(path) === file.link;
  return system.facts(path)?.kind === 'file' && system.read(path)?.equals(contentOf(file)) === true;
}
