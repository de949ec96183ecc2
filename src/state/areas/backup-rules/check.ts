import type { CheckItem } from '../base/check-item.ts';
import { checkFileItem } from '../base/file-item.ts';
import { mapHomes, pathInHome } from '../base/home-paths.ts';
import type { System } from '../base/system.ts';
import type { RestoreAbout } from '../base/types.ts';
import { adapted, hasName, withoutNames } from './adapted.ts';
import { nodeAdvice } from './plan.ts';
import type { BackupRules } from './rules.ts';
import type { BackupRulesContent, RulesInHome } from './schema.ts';
import { homePlaceOf, placeOf } from './tools.ts';

const GROUP = 'backup include/exclude lists';

export function checkBackupRules(
  { files, inHomes }: BackupRulesContent,
  system: System,
  about: RestoreAbout,
): CheckItem[] {
  return [
    ...files.flatMap((captured) => checkFile(captured, system, about)),
    ...inHomes.map((one) => checkInHome(one, system, about)),
  ];
}

function checkFile(captured: BackupRulesContent['files'][number], system: System, about: RestoreAbout): CheckItem[] {
  const place = placeOf(captured.path);
  if (!place) return [];
  const { file, nodeName, isBound } = adapted(captured, about);
  const { path } = file;
  const title = `${place.tool} (${path})`;
  const mode = file.mode & (place.isList ? 0o666 : 0o777);
  const expected = place.rules(file.text ?? '');
  const item = checkFileItem(
    { id: `file:${path}`, title, file: { ...file, mode } },
    GROUP,
    system,
    about,
    file !== captured,
  );
  const ruled: CheckItem = { ...item, expected: countsOf(expected, item.expected) };
  if (isBound && item.verdict === 'failed') {
    const remedy = `write ${path} with the name that this machine has at its backup server`;
    return [{ ...ruled, verdict: 'person', remedy }];
  }
  const there = system.text(path) ?? '';
  if (nodeName === undefined) {
    return [item.verdict === 'failed' ? againstRules(ruled, expected, place.rules(there)) : ruled];
  }
  const isNamed = hasName(there);
  const isElseSame = isNamed && withoutNames(there) === withoutNames(file.text ?? '');
  const { remedy: _, ...settled } = ruled;
  const named: CheckItem = { ...settled, observed: 'as it is to be, with a name of its own', verdict: 'changed' };
  const judged = item.verdict === 'failed' ? againstRules(ruled, expected, place.rules(there)) : ruled;
  return [isElseSame ? named : judged, checkNodeName(nodeName, path, place.tool, isNamed)];
}

/** Whoever edited the file may have kept what is taken and left, which is what counts. */
function againstRules(item: CheckItem, expected: BackupRules, observed: BackupRules): CheckItem {
  const difference = differenceOf(expected, observed);
  const hasRules = expected.include.length + expected.exclude.length > 0;
  if (difference !== undefined) return { ...item, observed: `${item.observed}; ${difference}` };
  return hasRules ? { ...item, observed: `${item.observed}; what is taken and left is as captured` } : item;
}

function checkNodeName(name: string, path: string, tool: string, isNamed: boolean): CheckItem {
  return {
    id: `node-name:${path}`,
    group: GROUP,
    title: `name of this machine at ${tool}`,
    expected: 'a name that the server knows',
    observed: isNamed ? 'one is set' : 'none is set',
    verdict: isNamed ? 'changed' : 'person',
    evidence: path,
    ...(!isNamed && { remedy: nodeAdvice(name, path) }),
  };
}

function checkInHome(
  { home, path, tool, include, exclude }: RulesInHome,
  system: System,
  about: RestoreAbout,
): CheckItem {
  const at = pathInHome(path, home, about.owners);
  const map = (rules: readonly string[]) => rules.map((rule) => mapHomes(rule, about.owners));
  const base = { id: `file:${path}`, group: GROUP, title: `${tool} (${at})`, evidence: at };
  const expected = countsOf({ include, exclude }, 'there, with the home');
  const text = system.text(at);
  if (text === undefined) {
    const remedy = 'restore the area homes';
    return { ...base, expected, observed: 'it is not there', verdict: 'failed', remedy };
  }
  const observed = homePlaceOf(path.slice(home.length))?.rules(text) ?? { include: [], exclude: [] };
  const difference = differenceOf({ include, exclude }, observed);
  const isMapped = differenceOf({ include: map(include), exclude: map(exclude) }, observed) === undefined;
  if (isMapped) {
    const verdict = difference === undefined ? 'same' : 'changed';
    return {
      ...base,
      expected,
      observed: verdict === 'same' ? 'as captured' : 'with the new home in its paths',
      verdict,
    };
  }
  // Homes are carried to the byte: paths in them may still be the old ones.
  if (difference === undefined) {
    const remedy = `its paths name the old home: change them in ${at}`;
    return { ...base, expected, observed: 'as captured, with the old home in its paths', verdict: 'person', remedy };
  }
  return { ...base, expected, observed: difference, verdict: 'failed', remedy: `compare ${at} with the captured one` };
}

function countsOf({ include, exclude }: BackupRules, otherwise: string): string {
  if (include.length + exclude.length === 0) return otherwise;
  return `${otherwise}: ${include.length} taken, ${exclude.length} left out`;
}

/** The first rule that is missing or is there in addition; undefined where both say the same in the same order. */
function differenceOf(expected: BackupRules, observed: BackupRules): string | undefined {
  for (const [kind, verb] of [
    ['include', 'take'],
    ['exclude', 'leave out'],
  ] as const) {
    const there = new Set(observed[kind]);
    const missing = expected[kind].find((rule) => !there.has(rule));
    if (missing !== undefined) return `it does not ${verb} ${missing.slice(0, 200)}`;
    const wanted = new Set(expected[kind]);
    const more = observed[kind].find((rule) => !wanted.has(rule));
    if (more !== undefined) return `it does ${verb} ${more.slice(0, 200)}`;
    if (expected[kind].join('\n') !== observed[kind].join('\n')) return `what it is to ${verb} stands in another order`;
  }
  return undefined;
}
