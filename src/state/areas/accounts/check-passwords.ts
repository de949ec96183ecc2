import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { readShadow, type ShadowLine } from './account-lines.ts';
import { canCheckPassword, passwordKind } from './password-kinds.ts';
import type { Shadow, User } from './schema.ts';

type Judged = Pick<CheckItem, 'observed' | 'verdict' | 'remedy'>;

/** One item a person: the same hash and of which kind, without showing it, and how it ages. */
export function checkPasswords(people: readonly User[], system: System, owners: Owners): readonly CheckItem[] {
  const lines = new Map(readShadow(system).entries.map((line) => [line.name, line]));
  const isUnreadable = system.isUnreadable('/etc/shadow');
  return people.map(({ username, shadow }): CheckItem => {
    const name = owners.user(username);
    return {
      id: `password:${username}`,
      group: 'passwords',
      title: `password of ${name}`,
      expected: shadow ? described(shadow) : 'not captured',
      evidence: `the line ${name} of /etc/shadow`,
      ...(isUnreadable
        ? { observed: 'cannot be read', verdict: shadow ? 'person' : 'skipped', remedy: 'run the check as root' }
        : judge(name, shadow, lines.get(name), system)),
    };
  });
}

function judge(name: string, captured: Shadow | undefined, there: ShadowLine | undefined, system: System): Judged {
  const observed = there ? described(there) : 'none';
  if (!captured) return { observed, verdict: 'skipped', remedy: 'capture as root to carry passwords' };
  const kind = passwordKind(captured.password);
  const change = `set one as root: passwd ${name}`;
  if (there && there.password === captured.password) {
    if (!isAgeingSame(captured, there))
      return { observed, verdict: 'failed', remedy: `set its dates as they were: chage ${name}` };
    if (kind.isUsable && !canCheckPassword(system, kind)) return { observed, verdict: 'person', remedy: change };
    return { observed, verdict: 'same' };
  }
  if (captured.password === '') return { observed, verdict: 'person', remedy: `it had no password; ${change}` };
  if (kind.isUsable && !passwordKind(there?.password ?? '!').isUsable)
    return { observed, verdict: 'failed', remedy: change };
  return {
    observed,
    verdict: 'person',
    remedy: `it is another than was captured; log in with this machine’s, or ${change}`,
  };
}

function described(shadow: Shadow): string {
  const { name } = passwordKind(shadow.password);
  const { max, expire, last_change } = shadow;
  const dates = [
    last_change === 0 ? 'to be changed at the next login' : undefined,
    max !== undefined && max < 99_999 ? `valid for ${max} days` : undefined,
    expire === undefined || expire < 0 ? undefined : `account ends on ${dateOf(expire)}`,
  ].filter((text) => text !== undefined);
  return [name === 'none' ? 'no password' : `a password, ${name}`, ...dates].join(', ');
}

const dateOf = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10);

const isAgeingSame = (a: Shadow, b: Shadow): boolean =>
  (['last_change', 'min', 'max', 'warning', 'inactive', 'expire'] as const).every((field) => a[field] === b[field]);
