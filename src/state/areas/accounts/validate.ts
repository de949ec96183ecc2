import { join } from 'node:path';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { bytesOf, parseGroup, parsePasswd, parseShadow } from './account-lines.ts';

/**
 * Judges the files beside the copies `passwd-`, `shadow-` … of before: only what is new is a problem. By pwck and grpck
 * where they are installed, with paths, and by what they would ask the wrong machine for by ourselves.
 */
export function validateAccounts(system: System, changed?: ReadonlySet<string>): readonly Problem[] {
  if (changed && !['/etc/passwd', '/etc/shadow', '/etc/group', '/etc/gshadow'].some((path) => changed.has(path)))
    return [];
  const problems = [
    ...toolProblems(system, 'pwck', 'passwd', 'shadow'),
    ...toolProblems(system, 'grpck', 'group', 'gshadow'),
  ];
  const before = new Set(ownProblems(system, '-').map(({ what, why }) => `${what}: ${why}`));
  return [...problems, ...ownProblems(system, '').filter(({ what, why }) => !before.has(`${what}: ${why}`))];
}

/**
 * What they look up on the machine that runs them, which may be another one: users of groups, groups of users. Homes come
 * later, with the files.
 */
const ELSEWHERE = /no (?:administrative )?user |no group |does not exist|\? No$|^(?:pw|grp)ck: |^$/u;

function toolProblems(system: System, tool: string, main: string, shadow: string): readonly Problem[] {
  const said = (suffix: '' | '-'): readonly string[] | undefined => {
    const files = [`/etc/${main}${suffix}`, `/etc/${shadow}${suffix}`].filter(
      (path) => system.facts(path)?.kind === 'file',
    );
    if (files.length === 0) return [];
    const result = system.run(tool, ['-r', ...files.map((path) => join(system.root, path))]);
    if (!result) return undefined;
    const lines = `${result.stdout}\n${result.stderr}`.split('\n').map((line) => line.trim());
    return lines
      .map((line) => line.replaceAll(/\/\S+\/etc\//gu, '/etc/').replaceAll(/-(?=\W|$)/gu, ''))
      .filter((line) => !ELSEWHERE.test(line));
  };
  const before = new Set(said('-'));
  return (said('') ?? [])
    .filter((line) => !before.has(line))
    .map((line) => ({ what: `/etc/${main}`, why: `${tool}: ${line}` }));
}

/** Broken lines, ids that two share, root twice, and names without their other half. */
function ownProblems(system: System, suffix: '' | '-'): readonly Problem[] {
  const passwd = parsePasswd(bytesOf(system, `/etc/passwd${suffix}`));
  const shadow = parseShadow(bytesOf(system, `/etc/shadow${suffix}`));
  const group = parseGroup(bytesOf(system, `/etc/group${suffix}`));
  const gids = new Set(group.entries.map(({ gid }) => gid));
  const shadows = new Set(shadow.entries.map(({ name }) => name));
  return [
    ...passwd.broken.map((line) => ({ what: '/etc/passwd', why: `line ${line} is broken` })),
    ...shadow.broken.map((line) => ({ what: '/etc/shadow', why: `line ${line} is broken` })),
    ...group.broken.map((line) => ({ what: '/etc/group', why: `line ${line} is broken` })),
    ...again(passwd.entries, ({ uid }) => uid).map(({ name, uid }) => ({
      what: '/etc/passwd',
      why: `${name} has the id ${uid} of another`,
    })),
    ...again(group.entries, ({ gid }) => gid).map(({ name, gid }) => ({
      what: '/etc/group',
      why: `${name} has the id ${gid} of another`,
    })),
    ...passwd.entries
      .filter(({ gid }) => !gids.has(gid))
      .map(({ name, gid }) => ({ what: '/etc/passwd', why: `the group ${gid} of ${name} is not there` })),
    ...passwd.entries
      .filter(({ name }) => !shadows.has(name))
      .map(({ name }) => ({ what: '/etc/shadow', why: `it has no line for ${name}` })),
  ];
}

function again<Entry>(entries: readonly Entry[], idOf: (entry: Entry) => number): readonly Entry[] {
  const seen = new Set<number>();
  return entries.filter((entry) => seen.size === seen.add(idOf(entry)).size);
}
