import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { checkWholeFile } from '../base/whole-file.ts';
import { mapAutologin } from './autologin.ts';
import { idOfLink, idOfSetting, leadsTo, titleOfLink, titleOfSetting } from './plan.ts';
import type { Ttys, UnitLink } from './schema.ts';
import { LOGIND, type SettingFile, settingFileOf } from './setting-files.ts';
import { readSettings, type Setting } from './settings.ts';
import { unitOf } from './unit-links.ts';

const group = 'ttys';

export function checkTtys(content: Ttys, system: System, about: RestoreAbout): CheckItem[] {
  return [
    ...content.settings.flatMap(({ path, values }) => {
      const file = settingFileOf(path);
      return file ? values.map((setting) => checkSetting(setting, file, system)) : [];
    }),
    ...content.links.map((link) => checkLink(link, system)),
    ...content.files.map((file) => checkWholeFile(mapAutologin(file, about.owners), system, group)),
  ];
}

function checkSetting({ name, value }: Setting, file: SettingFile, system: System): CheckItem {
  const there = readSettings(system, file).find((one) => one.name === name)?.value ?? '';
  const isMissing = there === '' && (file.path === LOGIND || system.facts(file.path) !== undefined);
  return {
    ...{ id: idOfSetting(file.path, name), group, title: titleOfSetting(file, name), expected: value || 'none' },
    observed: there || 'none',
    evidence: file.path,
    ...(there === value
      ? { verdict: 'same' }
      : { verdict: isMissing ? 'failed' : 'person', remedy: `set ${name} to ${value || 'nothing'} in ${file.path}` }),
  };
}

function checkLink(link: UnitLink, system: System): CheckItem {
  const there = system.readLink(link.path);
  const isSame = leadsTo(there, link.target);
  const name = link.path.slice(link.path.lastIndexOf('/') + 1);
  const remedy = unitOf(link.target) === undefined ? `systemctl mask ${name}` : `systemctl enable ${name}`;
  return {
    ...{ id: idOfLink(link), group, title: titleOfLink(link), expected: `leads to ${link.target}` },
    observed: there === undefined ? 'not there' : `leads to ${there}`,
    evidence: link.path,
    ...(isSame ? { verdict: 'same' } : { verdict: there === undefined ? 'failed' : 'person', remedy }),
  };
}
