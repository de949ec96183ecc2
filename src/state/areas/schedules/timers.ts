import { type ConfigFile, readConfigFile, readConfigFolder } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import type { System } from '../base/system.ts';
import type { CouldNot, Owners } from '../base/types.ts';
import type { Timer } from './schema.ts';

export const UNITS = '/etc/systemd/system';

/** Timers that no package brought, and changes to those that one did: each with all that belongs to it. */
export function timersOf(system: System, couldNot: CouldNot[]): Timer[] {
  const dpkg = dpkgOf(system);
  const there = system.list(UNITS);
  const own = there.filter((name) => {
    const path = `${UNITS}/${name}`;
    return name.endsWith('.timer') && system.facts(path)?.kind === 'file' && !dpkg.isOwned(path);
  });
  const changed = there.flatMap((name) => /^(.+\.timer)\.d$/u.exec(name)?.[1] ?? []);
  return [...new Set([...own, ...changed])].flatMap((name): Timer[] => {
    const units = own.includes(name) ? [name, serviceOf(system, name)] : [name];
    const files = [
      ...units.flatMap((unit) => unitFiles(system, unit, own.includes(name), couldNot)),
      ...(own.includes(name) ? enablingLinks(system, name, there) : []),
    ].filter(({ path }) => !dpkg.isOwned(path));
    return files.length > 0 ? [{ name, files }] : [];
  });
}

/** What a timer starts: what it says, or the service of its name. */
function serviceOf(system: System, timer: string): string {
  const said = /^[^\S\n]*Unit[^\S\n]*=[^\S\n]*([\w@.:-]+)[^\S\n]*$/mu.exec(system.text(`${UNITS}/${timer}`) ?? '')?.[1];
  return said ?? timer.replace(/\.timer$/u, '.service');
}

function unitFiles(system: System, unit: string, withUnit: boolean, couldNot: CouldNot[]): ConfigFile[] {
  const file = withUnit ? readConfigFile(system, `${UNITS}/${unit}`) : undefined;
  const dropIns = readConfigFolder(system, `${UNITS}/${unit}.d`, couldNot, (path) => path.endsWith('.conf'), 0);
  return [...(file ? [file] : []), ...dropIns];
}

/** Links in `timers.target.wants` and its like; those of instances belong to their template. */
function enablingLinks(system: System, timer: string, there: readonly string[]): ConfigFile[] {
  return there
    .filter((name) => /\.(?:wants|requires)$/u.test(name))
    .flatMap((folder) => system.list(`${UNITS}/${folder}`).map((name) => `${UNITS}/${folder}/${name}`))
    .filter((path) => templateOf(path.slice(path.lastIndexOf('/') + 1)) === timer)
    .flatMap((path) => readConfigFile(system, path) ?? [])
    .filter(({ link }) => link !== undefined);
}

/** `x@daily.timer` is of `x@.timer`. */
export const templateOf = (unit: string): string => unit.replace(/@.+(?=\.timer$)/u, '@');

/** With the users and groups that a service runs as under their names here. */
export function withUnitOwners(text: string, owners: Owners): string {
  return text
    .replaceAll(/^([^\S\n]*User[^\S\n]*=[^\S\n]*)(\S+)/gmu, (_, key: string, name: string) => key + owners.user(name))
    .replaceAll(/^([^\S\n]*(?:Group|SupplementaryGroups)[^\S\n]*=)(.*)$/gmu, (_, key: string, names: string) => {
      return key + names.replaceAll(/[\w.-]+/gu, (name) => owners.group(name));
    });
}

/** Why a file cannot be part of a timer; undefined where it can. */
export function whyNoPart({ path, link }: ConfigFile): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const isUnit = /^\/etc\/systemd\/system\/[\w@.:-]+\.(?:timer|service)$/u.test(path) && link === undefined;
  const isDropIn =
    /^\/etc\/systemd\/system\/[\w@.:-]+\.(?:timer|service)\.d\/[^/]+\.conf$/u.test(path) && link === undefined;
  const isLink = /^\/etc\/systemd\/system\/[\w@.:-]+\.(?:wants|requires)\/[\w@.:-]+\.timer$/u.test(path);
  const to = new Set([`${UNITS}/${templateOf(name)}`, `../${templateOf(name)}`]);
  return isUnit || isDropIn || (isLink && link !== undefined && to.has(link))
    ? undefined
    : `${path} is no part of a timer`;
}
