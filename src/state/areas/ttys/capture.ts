import { type ConfigFile, readConfigFile, readConfigFolder } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { type Settings, settings, type Ttys, type UnitLink } from './schema.ts';
import { SETTING_FILES } from './setting-files.ts';
import { readSettings } from './settings.ts';
import { isUnitLink, LINK_FOLDERS } from './unit-links.ts';
import {
  gettyFolderOf,
  isGettyFolder,
  isGettyName,
  kindOfFile,
  PLAIN_FOLDERS,
  SINGLE_FILES,
  UNIT_FOLDER,
} from './whole-files.ts';

export function captureTtys(system: System): Captured<Ttys> | undefined {
  const couldNot: CouldNot[] = [];
  const content: Ttys = {
    settings: SETTING_FILES.flatMap((file): Settings[] => {
      const values = readSettings(system, file).filter(({ name, value }) => {
        const isPlain = settings.safeParse({ path: file.path, values: [{ name, value }] }).success;
        if (!isPlain)
          couldNot.push({ what: `${name} in ${file.path}`, why: 'its value is not a plain one; set it by hand' });
        return isPlain;
      });
      return values.length > 0 ? [{ path: file.path as Settings['path'], values }] : [];
    }),
    links: readLinks(system),
    files: readFiles(system, couldNot),
  };
  const isNothing = Object.values(content).every((list) => list.length === 0) && couldNot.length === 0;
  return isNothing ? undefined : { content, couldNot };
}

function readLinks(system: System): UnitLink[] {
  return LINK_FOLDERS.flatMap((folder) =>
    system.list(folder).flatMap((name): UnitLink[] => {
      const link = { path: `${folder}/${name}`, target: system.readLink(`${folder}/${name}`) ?? '' };
      return isUnitLink(link) ? [link] : [];
    }),
  );
}

function readFiles(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const units = system.list(UNIT_FOLDER);
  const singles = [...SINGLE_FILES, ...units.filter(isGettyName).map((name) => `${UNIT_FOLDER}/${name}`)];
  const folders = [...PLAIN_FOLDERS, ...units.filter(isGettyFolder).map(gettyFolderOf)];
  const dpkg = dpkgOf(system);
  const isOwn = (path: string) => !dpkg.isPristine(path);
  return [
    ...singles.filter(isOwn).flatMap((path) => readConfigFile(system, path) ?? []),
    ...folders.flatMap((folder) => readConfigFolder(system, folder, couldNot, isOwn, 0)),
  ].filter((file) => kindOfFile(file) !== undefined && !isUnitLink({ path: file.path, target: file.link ?? '' }));
}
