import { type ConfigFile, readConfigFile } from '../base/config-file.ts';
import { OWNERS_AS_CAPTURED } from '../base/owners-as-captured.ts';
import type { System } from '../base/system.ts';
import type { CouldNot } from '../base/types.ts';
import { AdapterMap } from './adapter-map.ts';
import { FILE_KINDS, type FileKind } from './file-kinds.ts';
import { PackageFiles } from './package-files.ts';
import { isGeneratedLink } from './plain-files.ts';

/** What somebody set up on a machine, neither a package's nor written anew by a program. */
export function readFiles(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const packages = new PackageFiles(system);
  const adapters = new AdapterMap('same', [], system);
  return FILE_KINDS.flatMap((kind) =>
    pathsOf(system, kind, kind.folder, couldNot).flatMap((path): ConfigFile[] => {
      if (packages.isUntouched(path) || (kind.ownOnly && packages.isOwned(path))) return [];
      const file = readConfigFile(system, path);
      if (!file) {
        const why = system.isUnreadable(path)
          ? 'it cannot be read; run as root'
          : 'it is no file, or larger than 4 MiB';
        couldNot.push({ what: path, why });
        return [];
      }
      const { text = '', link } = file;
      if (link === undefined ? kind.isNothing?.(text) : isGeneratedLink(file)) return [];
      if (link !== undefined && !isCarriedLink(file)) {
        couldNot.push({ what: path, why: `it is a link to ${link}; copy what it leads to by hand` });
        return [];
      }
      const { refusal } = kind.fit(file, text, { owners: OWNERS_AS_CAPTURED, adapters });
      if (refusal) couldNot.push({ what: path, why: refusal.why });
      return refusal ? [] : [file];
    }),
  );
}

/** A file that is switched off by a link to nowhere, or the list of name servers. */
export const isCarriedLink = ({ path, link }: ConfigFile): boolean =>
  link === '/dev/null' || path === '/etc/resolv.conf';

/** Paths of one kind beneath a folder. */
export function pathsOf(system: System, kind: FileKind, folder: string, couldNot: CouldNot[]): string[] {
  if (system.isUnreadable(folder)) couldNot.push({ what: folder, why: 'it cannot be read; run as root' });
  return system.list(folder).flatMap((name): string[] => {
    const path = `${folder}/${name}`;
    const isFolder = (): boolean => system.facts(path)?.kind === 'folder';
    if (kind.subfolders?.test(name) && isFolder()) return pathsOf(system, kind, path, couldNot);
    return kind.pattern.test(path.slice(kind.folder.length + 1)) && !isFolder() ? [path] : [];
  });
}
