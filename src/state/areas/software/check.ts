import type { CheckItem } from '../base/check-item.ts';
import { checkFileItem } from '../base/file-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { installedByOthers } from './managers.ts';
import { keyOf, othersOf } from './missing.ts';
import { installedPackages, isPackageName } from './packages.ts';
import { isOfOtherRelease } from './plan.ts';
import type { SoftwareContent } from './schema.ts';
import { sourceKindOf } from './sources.ts';

const GROUP = 'software';

export function checkSoftware(content: SoftwareContent, system: System, about: RestoreAbout): CheckItem[] {
  return [
    ...content.sources.flatMap((file) => checkSource(file, content, system, about)),
    ...checkPackages(content, system),
    ...checkOthers(content, system, about),
  ];
}

function checkSource(
  captured: SoftwareContent['sources'][number],
  content: SoftwareContent,
  system: System,
  about: RestoreAbout,
): CheckItem[] {
  const kind = sourceKindOf(captured.path);
  if (!kind) return [];
  const file = { ...captured, mode: captured.mode & 0o644 };
  const item = checkFileItem(
    { id: `${kind}:${file.path}`, title: `${kind} of packages (${file.path})`, file },
    GROUP,
    system,
    about,
  );
  if (item.verdict !== 'failed' || !isOfOtherRelease(captured, content, system)) return [item];
  const remedy = `look for the maker's source for this system; the captured one is for ${content.codename}`.slice(
    0,
    300,
  );
  return [{ ...item, observed: 'this machine has another release', verdict: 'person', remedy }];
}

function checkPackages({ debPackages }: SoftwareContent, system: System): CheckItem[] {
  const installed = installedPackages(system);
  return debPackages
    .filter(({ name }) => isPackageName(name))
    .map(({ name, version }) => {
      const there = installed.get(name);
      const base = {
        id: `package:${name}`,
        group: GROUP,
        title: name,
        expected: version,
        evidence: '/var/lib/dpkg/status',
      };
      if (!there) {
        return { ...base, observed: 'it is not installed', verdict: 'person', remedy: `apt-get install ${name}` };
      }
      return { ...base, observed: there.version, verdict: there.version === version ? 'same' : 'changed' };
    });
}

function checkOthers(content: SoftwareContent, system: System, about: RestoreAbout): CheckItem[] {
  const there = new Map(installedByOthers(system).map((one) => [keyOf(one), one]));
  return othersOf(content, about.owners).map((one) => {
    const found = there.get(keyOf(one));
    const whose = one.user === undefined ? '' : ` of ${one.user}`;
    const expected = one.version ?? 'installed';
    return {
      id: keyOf(one),
      group: GROUP,
      title: `${one.name} from ${one.manager}${whose}`,
      expected,
      observed: found ? (found.version ?? 'installed') : 'it is not installed',
      verdict: !found ? 'person' : (found.version ?? expected) === expected ? 'same' : 'changed',
      evidence: `folders of ${one.manager}`,
      ...(!found && { remedy: `install ${one.name} with ${one.manager}${whose === '' ? '' : `, as ${one.user}`}` }),
    } satisfies CheckItem;
  });
}
