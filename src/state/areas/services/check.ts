import type { CheckItem } from '../base/check-item.ts';
import { checkFileItem } from '../base/file-item.ts';
import { pathInHome } from '../base/home-paths.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { checkDefaultTarget } from './default-target.ts';
import { mappedFile } from './mapped.ts';
import { carriesLink, unitOfPath } from './places.ts';
import { titleOfFile } from './plan.ts';
import type { ServicesContent } from './schema.ts';
import { Units } from './units.ts';

const GROUP = 'services';

export function checkServices(content: ServicesContent, system: System, about: RestoreAbout): CheckItem[] {
  const units = new Units(system);
  return [
    ...content.files.map((captured) => {
      const mapped = mappedFile(captured, about.owners);
      const file = unitOfPath(mapped.path) ? { ...mapped, mode: mapped.mode & 0o666 } : mapped;
      const item = { id: `file:${file.path}`, title: titleOfFile(file.path), file };
      return checkFileItem(item, GROUP, system, about, mapped !== captured);
    }),
    ...checkRunLevels(content, system),
    ...content.units.map((unit) => checkUnit(unit, units)),
    ...(content.defaultTarget === undefined ? [] : [checkDefaultTarget(content.defaultTarget, system)]),
    ...content.userUnits.map(({ home, path }) => checkUserUnit(home, path, system, about)),
  ];
}

function checkRunLevels({ runLevels }: ServicesContent, system: System): CheckItem[] {
  return [...Map.groupBy(runLevels, (link) => link.slice('rc2.d/S01'.length))].map(([script, links]) => {
    const missing = links.filter((link) => system.readLink(`/etc/${link}`) === undefined);
    return {
      id: `run-levels:${script}`,
      group: GROUP,
      title: `when ${script} starts and stops`,
      expected: `${links.length} links`,
      observed: missing.length === 0 ? 'they are there' : `${missing.length} are missing`,
      verdict: missing.length === 0 ? 'same' : 'failed',
      evidence: `/etc/rc?.d/*${script}`,
      ...(missing.length > 0 && { remedy: `update-rc.d ${script} defaults` }),
    };
  });
}

function checkUnit(
  { id: unit, unit_file_state: wanted, package: from }: ServicesContent['units'][number],
  units: Units,
): CheckItem {
  const state = units.state(unit);
  const base = {
    id: `unit:${unit}`,
    group: GROUP,
    title: `${unit} ${wanted}`,
    expected: wanted,
    observed: state ?? 'there is no such unit',
    evidence: 'links under /etc/systemd/system',
  };
  if (state === wanted) return { ...base, verdict: 'same' };
  if (state === undefined && wanted !== 'enabled') return { ...base, verdict: 'changed' };
  if (state === undefined && from !== undefined) {
    return { ...base, verdict: 'person', remedy: `install the package ${from}, then: systemctl enable ${unit}` };
  }
  const verb = wanted === 'enabled' ? 'enable' : wanted === 'disabled' ? 'disable' : 'mask';
  const isAsked = carriesLink(unit) || state === 'masked';
  return { ...base, verdict: isAsked ? 'person' : 'failed', remedy: `systemctl ${verb} ${unit}` };
}

function checkUserUnit(home: string, path: string, system: System, about: RestoreAbout): CheckItem {
  const at = pathInHome(path, home, about.owners);
  const isThere = system.facts(at) !== undefined;
  return {
    id: `user-unit:${path}`,
    group: GROUP,
    title: `unit of a person (${at})`,
    expected: 'there, with the home',
    observed: isThere ? 'there' : 'it is not there',
    verdict: isThere ? 'same' : 'failed',
    evidence: at,
    ...(!isThere && { remedy: 'restore the area homes' }),
  };
}
