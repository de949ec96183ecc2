import type { CheckItem } from '../base/check-item.ts';
import { checkFileItem } from '../base/file-item.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { kindOf, mappedFile } from './kinds.ts';
import { NEVER_LISTED, TRUST_ADVICE } from './plan.ts';
import type { SecurityContent } from './schema.ts';
import { isTrusted } from './trust.ts';

const GROUP = 'security';

export function checkSecurity(
  { files, trusted, listed }: SecurityContent,
  system: System,
  about: RestoreAbout,
): CheckItem[] {
  return [
    ...files.flatMap((captured): CheckItem[] => {
      const kind = kindOf(captured.path);
      if (!kind) return [];
      const file = mappedFile(captured, kind, about.owners);
      const item = { id: `${kind.name}:${file.path}`, title: `${kind.title} (${file.path})`, file };
      const items = [checkFileItem(item, GROUP, system, about, file !== captured)];
      return trusted.includes(file.path) ? [...items, checkTrust(file.path, file.text ?? '', system)] : items;
    }),
    ...listed.map((path) => checkListed(path, system, about)),
  ];
}

function checkTrust(path: string, certificate: string, system: System): CheckItem {
  const isThere = isTrusted(system, certificate);
  return {
    id: `trust:${path}`,
    group: GROUP,
    title: `trust in ${path}`,
    expected: 'programs trust it',
    observed: isThere ? 'they do' : 'they do not yet',
    verdict: isThere ? 'same' : 'person',
    evidence: '/etc/ssl/certs/ca-certificates.crt',
    ...(!isThere && { remedy: TRUST_ADVICE }),
  };
}

function checkListed(path: string, system: System, { identity }: RestoreAbout): CheckItem {
  const isThere = system.facts(path) !== undefined;
  const base = { id: `pam:${path}`, group: GROUP, title: `how people log in (${path})`, evidence: path };
  const expected = 'a change of its own, which is not carried';
  const observed = isThere ? 'there; not compared' : 'it is not there';
  if (isThere && identity === 'same') return { ...base, expected, observed, verdict: 'same' };
  return { ...base, expected, observed, verdict: 'person', remedy: NEVER_LISTED };
}
