import { readPasswd } from '../accounts/account-lines.ts';
import { isPersonal, loginDefsOf } from '../accounts/login-defs.ts';
import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners, PlanBuilder } from '../base/types.ts';

/** An empty file for each user whose units run without a login, as `loginctl enable-linger` leaves it. */
export const LINGER = '/var/lib/systemd/linger';

/** People whose own timers run while they are logged out. */
export function lingeringOf(system: System, users?: ReadonlySet<string>): string[] {
  return peopleOf(system).filter(
    (name) => (users === undefined || users.has(name)) && system.facts(`${LINGER}/${name}`) !== undefined,
  );
}

function peopleOf(system: System): readonly string[] {
  const { uid: limits } = loginDefsOf(system);
  return readPasswd(system).entries.flatMap(({ name, uid }) => (isPersonal(uid, limits) ? [name] : []));
}

export function planLinger(username: string, plan: PlanBuilder, owners: Owners): void {
  const name = owners.user(username);
  const id = `linger:${username}`;
  const title = `timers of ${name}`;
  if (!peopleOf(plan.system).includes(name)) {
    plan.withhold(id, title, `there is no user ${name} here; restore the area accounts too`);
    return;
  }
  const file = {
    kind: 'file',
    path: `${LINGER}/${name}`,
    content: Buffer.alloc(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
  } as const;
  const folder = { kind: 'folder', path: LINGER, mode: 0o755, uid: 0, gid: 0 } as const;
  plan.want({
    id,
    title,
    action: 'add',
    detail: 'run while nobody is logged in, as before',
    ...(!owners.isNew(name) && { effect: 'existing-account' }),
    changes: [folder, file],
  });
}

export function checkLinger(username: string, system: System, owners: Owners): CheckItem {
  const name = owners.user(username);
  const isThere = system.facts(`${LINGER}/${name}`) !== undefined;
  return {
    id: `linger:${username}`,
    group: 'schedules',
    title: `timers of ${name}`,
    expected: 'run while nobody is logged in',
    observed: isThere ? 'run while nobody is logged in' : 'run only while somebody is logged in',
    verdict: isThere ? (name === username ? 'same' : 'changed') : 'failed',
    evidence: `the file ${LINGER}/${name}`,
    ...(!isThere && { remedy: `loginctl enable-linger ${name}` }),
  };
}
