import { parseShadow } from './account-lines.ts';
import type { AccountsPlan } from './accounts-plan.ts';
import { setShadow } from './edit-files.ts';
import { canCheckPassword, passwordKind } from './password-kinds.ts';
import type { Shadow, User } from './schema.ts';

/** The line of shadow of a new account, and what its person should know. */
export function shadowFor(user: User, { system }: AccountsPlan): { shadow: Shadow; note?: string } {
  const { shadow } = user;
  const setOne = 'it has no password; root sets one with passwd';
  if (!shadow) return { shadow: { password: '!' }, note: `its password was not captured: ${setOne}` };
  const kind = passwordKind(shadow.password);
  // Anybody could come in as a user without a password, from the network too.
  if (shadow.password === '') return { shadow: { ...shadow, password: '!' }, note: setOne };
  if (!kind.isUsable) return { shadow, note: 'nobody can log in to it with a password, as before' };
  if (!canCheckPassword(system, kind)) {
    return { shadow, note: `this machine may not know its password, ${kind.name}: root sets a new one with passwd` };
  }
  const weak = `its password is ${kind.name}, which is weak or may not work: set it anew with passwd`;
  return { shadow, note: kind.isWeak ? weak : 'with its password' };
}

/** The password of an account that is there: it stays, unless privileged changes are allowed. */
export function planPassword(user: User, accounts: AccountsPlan): void {
  const { plan, owners } = accounts;
  const name = owners.user(user.username);
  const there = parseShadow(accounts.files['/etc/shadow'] ?? '').entries.find((line) => line.name === name);
  const id = `password:${user.username}`;
  const title = `password of ${name}`;
  const { shadow } = user;
  if (!shadow || shadow.password === there?.password) {
    if (shadow) plan.same(id, title);
    else plan.keep(id, title, 'it was not captured');
    return;
  }
  const kind = passwordKind(shadow.password);
  // What locks an account that is there, or opens it to everybody, is never brought.
  if (!there || !kind.isUsable || shadow.password === '') {
    plan.keep(id, title, 'the account that is here keeps its password');
    return;
  }
  if (!plan.allowsPrivileged) {
    plan.keep(id, title, 'the account that is here keeps its password; --allow-privileged brings the captured one');
    return;
  }
  const detail = `becomes the captured one, ${kind.name}, in place of the one that is here`;
  accounts.want(
    { id, title, action: 'replace', detail, effect: 'existing-account' },
    setShadow(accounts.files, name, shadow),
  );
}
