import type { CheckItem, Verdict } from '../base/check-item.ts';
import { pathInHome } from '../base/home-paths.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { renameClientServers } from './client-settings.ts';
import { hostIdsOf, plainHostId } from './host-ids.ts';
import { type KnownLicence, knownLicence, needsRehost, renamer } from './known.ts';
import { variableId } from './plan-variables.ts';
import { recognise } from './recognise.ts';
import type { Licence, LicencesContent } from './schema.ts';
import { assignmentsIn } from './variables.ts';
import { rehostAdvice, sortedAs, titleOf } from './words.ts';

const GROUP = 'licences';

interface Observed {
  readonly observed: string;
  readonly verdict: Verdict;
  readonly remedy?: string;
}

export function checkLicences(content: LicencesContent, system: System, about: RestoreAbout): CheckItem[] {
  return [
    ...content.licences.map((licence) => checkLicence(licence, content, system, about)),
    ...content.variables.map((variable) => checkVariable(variable, content, system, about)),
    ...content.stores.map(({ path, name }) => checkStore(path, name, system, about)),
  ];
}

function checkLicence(licence: Licence, content: LicencesContent, system: System, about: RestoreAbout): CheckItem {
  const { path: from } = licence.file;
  const known = knownLicence(licence, content, system, about);
  if (!known) {
    const seen = { observed: 'it is no licence file', verdict: 'skipped' } as const;
    return { id: `licence:${from}`, group: GROUP, title: from, expected: 'a licence', evidence: from, ...seen };
  }
  return {
    id: `licence:${from}`,
    group: GROUP,
    title: titleOf(known.facts, from),
    expected: sortedAs(known.judgement),
    evidence: `the content of ${known.path}`,
    ...observe(known, content, system, about),
  };
}

function observe(known: KnownLicence, content: LicencesContent, system: System, about: RestoreAbout): Observed {
  const { path, facts, judgement, captured, wanted } = known;
  const there = system.read(path);
  if (!there) {
    const unread = system.isUnreadable(path);
    if (judgement.sort === 'unknown' || unread) {
      return {
        observed: unread ? 'it cannot be read' : 'it is not there',
        verdict: 'person',
        remedy: unread ? 'run the check as root' : `copy ${path} from the old machine if you need it`,
      };
    }
    const remedy = `restore the licence to ${path}, or ask for it anew`;
    return { observed: 'it is not there', verdict: 'failed', remedy };
  }
  const isRenamed = there.equals(wanted) && !wanted.equals(captured);
  if (!there.equals(wanted) && !there.equals(captured)) return observeOther(known, there, system);
  if (needsRehost(judgement, content, system, about)) {
    const observed = `as captured${isRenamed ? ', with the server’s new name' : ''}; not valid on this machine yet`;
    return { observed, verdict: 'person', remedy: rehostAdvice(facts, judgement, system) };
  }
  if (there.equals(wanted)) {
    return {
      observed: isRenamed ? 'there, with the server’s new name' : 'as captured',
      verdict: isRenamed ? 'changed' : 'same',
    };
  }
  const remedy = `put this machine's name on the SERVER line of ${path}`;
  return { observed: 'it names the old machine as the server', verdict: 'failed', remedy };
}

/** Something else stands in its place: the licence as the vendor issued it for this machine, or a fault. */
function observeOther({ path, facts, judgement }: KnownLicence, there: Buffer, system: System): Observed {
  const now = recognise(path, there);
  const ids = [...(now?.hostIds ?? []), ...(now?.servers ?? []).map(({ hostId }) => hostId)];
  const own = hostIdsOf(system);
  if (now && judgement.sort === 're-host' && ids.some((id) => own.includes(plainHostId(id)))) {
    return { observed: 'issued anew for this machine', verdict: 'changed' };
  }
  if (now && now.format === facts.format && judgement.sort !== 'portable') {
    const remedy = `see that ${path} is the licence for this machine`;
    return { observed: 'another licence is there', verdict: 'person', remedy };
  }
  const remedy = `compare ${path} with the old machine's, and restore it`;
  return { observed: 'its content is another one', verdict: 'failed', remedy };
}

function checkVariable(
  variable: LicencesContent['variables'][number],
  content: LicencesContent,
  system: System,
  about: RestoreAbout,
): CheckItem {
  const { path, name, value, home } = variable;
  const wanted = renameClientServers(value, renamer(content, system, about));
  const at = home === undefined ? path : pathInHome(path, home, about.owners);
  const found = assignmentsIn(system.text(at) ?? '').filter((one) => one.name === name);
  const isWanted = found.some((one) => one.value === wanted);
  const seen: Observed = isWanted
    ? { observed: 'as expected', verdict: wanted === value ? 'same' : 'changed' }
    : {
        observed: found.length > 0 ? 'it has another value' : 'it is not set',
        verdict: found.length > 0 ? 'failed' : 'person',
        remedy: `set ${name} in ${at} to ${wanted}`.slice(0, 600),
      };
  const title = `${name} in ${path}`;
  return { id: variableId(variable), group: GROUP, title, expected: wanted.slice(0, 400), evidence: at, ...seen };
}

function checkStore(path: string, name: string, system: System, { identity }: RestoreAbout): CheckItem {
  const isThere = system.list(path).length > 0;
  const isSame = isThere && identity === 'same';
  return {
    id: `store:${path}`,
    group: GROUP,
    title: `${name} (${path})`,
    expected: 'never: it is sealed to the hardware',
    observed: isThere ? 'there' : 'it is not there',
    verdict: isSame ? 'same' : 'person',
    evidence: path,
    ...(!isSame && {
      remedy: 'return the licence on the old machine if you still can, and activate the product on this one',
    }),
  };
}
