import type { ConfigFile } from '../base/config-file.ts';
import { mapHomes } from '../base/home-paths.ts';
import type { RestoreAbout } from '../base/types.ts';

/** Settings of a backup program as they are to be on the target. */
export interface Adapted {
  readonly file: ConfigFile;
  /** The name by which the server knows the captured machine, where another machine must not use it unasked. */
  readonly nodeName?: string;
  /** The name cannot be left out: the file waits for a person. */
  readonly isBound: boolean;
}

const TSM_NODE = /^([ \t]*)(NODENAME[ \t]+(\S+).*)$/gim;
const RESTIC_HOST = /^([ \t]*)((?:export[ \t]+)?RESTIC_HOST=["']?([\w.-]+)["']?.*)$/gim;
const BACULA_NAME = /^[^\S\n]*Name[^\S\n]*=[^\S\n]*"?([\w.-]+?)(?:-fd)?"?\s*;?[^\S\n]*$/gim;

/** Homes where they are now; the old machine's name set aside where another machine takes over; no disk's UUID either. */
export function adapted(captured: ConfigFile, about: RestoreAbout): Adapted {
  if (captured.text === undefined) return { file: captured, isBound: false };
  const own = mapHomes(captured.text, about.owners);
  const withText = (text: string) => (text === captured.text ? captured : { ...captured, text });
  if (about.identity === 'same') return { file: withText(own), isBound: false };
  const isOld = (name: string) => shortOf(name) === shortOf(about.source.hostname);
  if (/\/(bacula-fd\.conf|bareos-fd\.d\/.*\.conf)$/.test(captured.path)) {
    const name = [...own.matchAll(BACULA_NAME)].map((match) => match[1] ?? '').find(isOld);
    return { file: withText(own), isBound: name !== undefined, ...(name !== undefined && { nodeName: name }) };
  }
  let nodeName: string | undefined;
  const setAside = (sign: string) => (all: string, before: string, rest: string, name: string) => {
    if (!isOld(name)) return all;
    nodeName = name;
    return `${before}${sign} ${rest}`;
  };
  const text = /\/dsm[^/]*\.(sys|opt)$/.test(captured.path)
    ? own.replaceAll(TSM_NODE, setAside('*'))
    : own.replaceAll(RESTIC_HOST, setAside('#'));
  const file = withText(/\/timeshift[^/]*\.json$|\/etc\/timeshift\//.test(captured.path) ? withoutDevices(text) : text);
  return { file, isBound: false, ...(nodeName !== undefined && { nodeName }) };
}

const withoutDevices = (text: string): string =>
  text.replaceAll(/("(?:backup_device_uuid|parent_device_uuid)"\s*:\s*)"[^"]*"/g, '$1""');

const shortOf = (name: string): string => name.toLowerCase().split('.')[0] ?? name;

const NAME_LINE = /^[ \t]*(?:[*#][ \t]*)?(?:NODENAME[ \t]|(?:export[ \t]+)?RESTIC_HOST=).*\n?/gim;

/** A text without the lines that name the machine, set aside or not: to see whether all else is the same. */
export const withoutNames = (text: string): string => text.replaceAll(NAME_LINE, '');

/** Whether it gives the machine a name at its server. */
export const hasName = (text: string): boolean =>
  /^[ \t]*(?:NODENAME[ \t]+\S|(?:export[ \t]+)?RESTIC_HOST=\S)/im.test(text);
