import { posix } from 'node:path';
import { readPasswd } from '../../../state/areas/accounts/account-lines.ts';
import type { OwnerTable } from '../../../state/areas/accounts/owner-table.ts';
import { isPlainPath } from '../../../state/areas/base/change.ts';
import type { System } from '../../../state/areas/base/system.ts';
import { namesOfPath } from '../../../state/plan/roots.ts';
import type { RestorePlace } from '../../../state/restore/index.ts';

const SSH = '.ssh';
/** What sshd and rshd go by when they let somebody in, and what they run then; `authorized_keys2` too. */
const KEYS = 'authorized_keys';
const IN_SSH = ['rc', 'environment'];
const IN_HOME = ['.rhosts', '.shosts'];
const REASON = 'it lets others in as a user who is here already; --allow-privileged brings it';

/** Captured paths by which a snapshot could let somebody in as a user whom the target has: they stay out (T7). */
export function loginFiles(target: System, paths: OwnerTable['paths']): RestorePlace[] {
  const homes = new Set(readPasswd(target).entries.map(({ home }) => Buffer.from(home, 'latin1').toString('utf8')));
  return [...homes]
    .filter((home) => isPlainPath(home) || home === '/')
    .flatMap((home) => {
      const captured = [home, ...paths.flatMap(({ from, to }) => (to === home ? [from] : []))];
      return [...captured.flatMap(ofHome), ...behindLinks(target, home)];
    });
}

function ofHome(home: string): RestorePlace[] {
  // As a link it would lead to files of any name.
  const ssh: RestorePlace = { ...held(`${home}/${SSH}`), mayBeFolder: true };
  return [ssh, ...inSsh(`${home}/${SSH}`), ...IN_HOME.map((name) => held(`${home}/${name}`))];
}

function inSsh(folder: string): RestorePlace[] {
  return [{ ...held(`${folder}/${KEYS}`), isBeginning: true }, ...IN_SSH.map((name) => held(`${folder}/${name}`))];
}

/** Where the target's own links lead from such places. */
function behindLinks(target: System, home: string): RestorePlace[] {
  const ssh = `${home}/${SSH}`;
  const linked = (path: string): string[] => {
    const link = target.readLink(path);
    return link === undefined ? [] : [posix.resolve(posix.dirname(path), link)];
  };
  const files = [...IN_HOME.map((name) => `${home}/${name}`), ...target.list(ssh).map((name) => `${ssh}/${name}`)];
  return [...linked(ssh).flatMap(inSsh), ...files.flatMap(linked).map(held)];
}

const held = (path: string): RestorePlace => ({ path: namesOfPath(Buffer.from(path)), leftOut: REASON });
