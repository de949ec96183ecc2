import { readAssignments, unquoted } from './assignments.ts';
import type { Change } from './change.ts';
import type { CheckItem } from './check-item.ts';
import { type ConfigFile, changeOf, hasContentOf } from './config-file.ts';
import { dpkgOf } from './dpkg.ts';
import type { System } from './system.ts';
import type { PlanBuilder, PrivilegedEffect, RestoreAbout } from './types.ts';

/** What decides about a file that is carried whole. */
export interface WholeFile {
  readonly effect?: PrivilegedEffect;
  /** Whether the target's is as its package made it; by default what dpkg says. */
  readonly isAsPackaged?: boolean;
}

/**
 * Plans a file of the system's, under its path, three ways: there as captured, not there or there as its package made it, or
 * changed by somebody on the target, whose file stays. It becomes root's, and nobody else may write it.
 */
export function planWholeFile(file: ConfigFile, plan: PlanBuilder, about: RestoreAbout, how: WholeFile = {}): void {
  const id = idOfFile(file);
  const title = file.path;
  const { system } = plan;
  const there = system.facts(file.path);
  const isAsPackaged = how.isAsPackaged ?? dpkgOf(system).isPristine(file.path);
  if (hasContentOf(system, file)) {
    plan.same(id, title);
  } else if (there && !isAsPackaged) {
    plan.ask(id, title, `${file.path} is another one here: compare it with the captured one`);
  } else if (there && !isSameRelease(system, about)) {
    const other = about.source.osName || 'the other system';
    plan.ask(id, title, `${other} had another original of it: bring your changes over by hand`);
  } else {
    plan.want({
      id,
      title,
      action: there ? 'replace' : 'add',
      detail: 'as captured',
      ...(how.effect && { effect: how.effect }),
      changes: [...foldersTo(file.path), ofRoot(changeOf(file, about.owners))],
    });
  }
}

export function checkWholeFile(file: ConfigFile, system: System, group: string): CheckItem {
  const isSame = hasContentOf(system, file);
  const isThere = system.facts(file.path) !== undefined;
  return {
    ...{ id: idOfFile(file), group, title: file.path, expected: 'as captured' },
    observed: isSame ? 'as captured' : isThere ? 'another one' : 'not there',
    evidence: file.path,
    ...(isSame
      ? { verdict: 'same' }
      : { verdict: isThere ? 'person' : 'failed', remedy: `compare ${file.path} with the captured one` }),
  };
}

export const idOfFile = ({ path }: ConfigFile): string => `file:${path}`;

/** A text file of root's with other text; one that is there keeps owner and mode. */
export function textChange(system: System, path: string, text: string): Change {
  const there = system.facts(path);
  const { mode, uid, gid } = there?.kind === 'file' ? there : { mode: 0o644, uid: 0, gid: 0 };
  return { kind: 'file', path, content: Buffer.from(text), mode, uid, gid };
}

/** The folders that lead to a path, from the second on: `/etc` is there. */
export function foldersTo(path: string): Change[] {
  const names = path.split('/').slice(1, -1);
  return names.slice(1).map((_, at) => {
    return { kind: 'folder', path: `/${names.slice(0, at + 2).join('/')}`, mode: 0o755, uid: 0, gid: 0 };
  });
}

function ofRoot(change: Change): Change {
  return change.kind === 'file' ? { ...change, uid: 0, gid: 0, mode: change.mode & 0o755 } : change;
}

/** Whether the target is of the release that was captured, so that their packages' files are the same. */
function isSameRelease(system: System, { source }: RestoreAbout): boolean {
  const release = readAssignments(system.text('/etc/os-release') ?? '');
  const of = (name: string) => unquoted(release.find((one) => one.name === name)?.value ?? '');
  return of('ID') === source.osId && of('VERSION_ID') === source.osVersion;
}
