import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { type ConfigFile, readConfigFile, readConfigFolder } from '../base/config-file.ts';
import { dpkgOf } from '../base/dpkg.ts';
import { homesOf } from '../base/homes-of.ts';
import type { System } from '../base/system.ts';
import type { CaptureAbout, Captured, CouldNot } from '../base/types.ts';
import { defaultTargetOf } from './default-target.ts';
import { packageOf } from './package-of.ts';
import { isFileOurs, isOurs, scriptOfPath, unitOfPath } from './places.ts';
import { presetsOf } from './presets.ts';
import type { ServicesContent } from './schema.ts';
import { listOf, parseUnit } from './unit-file.ts';
import { ETC, type UnitState, Units } from './units.ts';

/** Units, drop-ins and scripts that no package brought, and which units stand otherwise than their preset says. */
export function captureServices(system: System, about: CaptureAbout): Captured<ServicesContent> | undefined {
  const couldNot: CouldNot[] = [];
  const files = [...unitFiles(system, couldNot), ...scripts(system, couldNot)];
  const units = unitsOf(system, files);
  const runLevels = runLevelsOf(system, files);
  const userUnits = homesOf(system, about.users)
    .flatMap(({ path: home }) => userUnitsOf(system, home).map((path) => ({ home, path })))
    .slice(0, AREA_ITEMS_MAX);
  const target = defaultTargetOf(system);
  if (!target && files.length + units.length + userUnits.length + couldNot.length === 0) return undefined;
  return { content: { files, units, runLevels, userUnits, ...(target && { defaultTarget: target }) }, couldNot };
}

function unitFiles(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const scheduled = scheduledUnits(system);
  return readConfigFolder(system, ETC, couldNot, (path) => {
    const of = unitOfPath(path);
    const isWanted = of && !scheduled.has(of.unit) && (isFileOurs(of.unit) || (of.isDropIn && !of.unit.includes('.')));
    // Links under this folder are enablement, and stand among the units.
    return isWanted === true && system.facts(path)?.kind === 'file' && !dpkg.isPristine(path);
  });
}

/** Timers of this machine's own, and what they start: the area schedules has them. */
function scheduledUnits(system: System): Set<string> {
  const timers = system
    .list(ETC)
    .filter((name) => name.endsWith('.timer') && system.facts(`${ETC}/${name}`)?.kind === 'file');
  return new Set(
    timers.flatMap((name) => {
      const said = listOf(parseUnit(system.text(`${ETC}/${name}`) ?? ''), 'Timer', 'Unit');
      return [name, ...(said.length > 0 ? said : [name.replace(/\.timer$/, '.service')])];
    }),
  );
}

function scripts(system: System, couldNot: CouldNot[]): ConfigFile[] {
  const dpkg = dpkgOf(system);
  const paths = system.list('/etc/init.d').map((name) => `/etc/init.d/${name}`);
  return [...paths, '/etc/rc.local'].flatMap((path) => {
    const isTheirs = scriptOfPath(path) === undefined || system.facts(path)?.kind !== 'file' || dpkg.isOwned(path);
    if (isTheirs) return [];
    const file = readConfigFile(system, path);
    if (!file) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    return file ? [file] : [];
  });
}

function unitsOf(system: System, files: readonly ConfigFile[]): ServicesContent['units'] {
  const units = new Units(system);
  const isPreset = presetsOf(system);
  const scheduled = scheduledUnits(system);
  const own = new Set(files.flatMap(({ path }) => unitOfPath(path)?.unit ?? []));
  return units
    .names()
    .filter((id) => isOurs(id) && !scheduled.has(id))
    .flatMap((id) => {
      const state = units.state(id);
      const isInstance = /@[^.]+\.\w+$/.test(id);
      if (state === undefined || state === 'static' || /@\.\w+$/.test(id)) return [];
      if (!own.has(id) && !isInstance && state === stateBy(isPreset(id))) return [];
      const path = units.pathOf(id);
      const name = path === undefined ? undefined : packageOf(system, path);
      return [{ id, unit_file_state: state, ...(name !== undefined && { package: name }) }];
    })
    .slice(0, AREA_ITEMS_MAX);
}

const stateBy = (isEnabled: boolean): UnitState => (isEnabled ? 'enabled' : 'disabled');

function runLevelsOf(system: System, files: readonly ConfigFile[]): string[] {
  const scripts = new Set(files.flatMap(({ path }) => (path.startsWith('/etc/init.d/') ? [path.slice(12)] : [])));
  if (scripts.size === 0) return [];
  return ['0', '1', '2', '3', '4', '5', '6', 'S'].flatMap((level) =>
    system
      .list(`/etc/rc${level}.d`)
      .filter((name) => /^[SK]\d\d/.test(name) && scripts.has(name.slice(3)))
      .map((name) => `rc${level}.d/${name}`),
  );
}

function userUnitsOf(system: System, home: string): string[] {
  const folder = `${home}/.config/systemd/user`;
  return system
    .list(folder)
    .filter((name) => system.facts(`${folder}/${name}`)?.kind === 'file')
    .map((name) => `${folder}/${name}`)
    .slice(0, 1000);
}
