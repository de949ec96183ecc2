import { ResettleError } from '../../../common/errors.ts';
import { isAccountName } from './account-name.ts';
import { isPersonal } from './login-defs.ts';
import type { User } from './schema.ts';
import { isGroupOfSystem, type TargetAccounts } from './target-accounts.ts';

/** Of `--map-user OLD=NEW`: names or numbers. */
export interface UserMapping {
  readonly from: string;
  readonly to: string;
}

/** One `--map-user`, looked up. */
export interface Asked {
  /** What was asked, as it was typed. */
  readonly typed: UserMapping;
  /** The person of the snapshot who is meant; undefined for one that it does not name. */
  readonly person?: User;
  readonly fromUid?: number;
  /** The name on the target. */
  readonly to: string;
  /** An id that was asked for by its number, and that nobody has. */
  readonly newUid?: number;
}

/**
 * Looks up what was asked. `people`: of the snapshot, undefined where it does not say. Throws `usage` for root, for an
 * account of the system, for a user that the snapshot does not have, for one that is asked for twice, and for ids that no
 * person can have.
 */
export function lookUpMappings(
  people: readonly User[] | undefined,
  target: TargetAccounts,
  mappings: readonly UserMapping[],
): readonly Asked[] {
  const asked = mappings.map((typed) => lookUp(people, target, typed));
  const seen = new Set<string>();
  for (const { typed, person, fromUid, newUid } of asked) {
    const keys = [person?.username ?? (fromUid === undefined ? typed.from : String(fromUid))];
    if (newUid !== undefined) keys.push(`new ${newUid}`);
    for (const key of keys) {
      if (seen.has(key)) throw wrong(typed, `${key} is asked for twice`);
      seen.add(key);
    }
  }
  return asked;
}

function lookUp(people: readonly User[] | undefined, target: TargetAccounts, typed: UserMapping): Asked {
  const { from, to } = typed;
  if ([from, to].some((one) => one === 'root' || Number(one) === 0)) throw wrong(typed, 'root is never mapped');
  const isNumber = /^\d{1,10}$/u.test(from);
  const person = people?.find(({ username, uid }) => (isNumber ? uid === Number(from) : username === from));
  if (!person && isNumber && !isPersonal(Number(from), { min: target.defs.uid.min, max: 0xffff_fffe })) {
    throw wrong(typed, `${from} is an id of the system`);
  }
  if (!person && !isNumber && (people || !isAccountName(from))) {
    throw wrong(typed, `the snapshot has no user ${JSON.stringify(from)}`);
  }
  const source = { typed, ...(person && { person }), ...(isNumber && { fromUid: Number(from) }) };
  return /^\d+$/u.test(to) ? toNumber(source, target, Number(to)) : toName(source, target, to);
}

type Source = Omit<Asked, 'to' | 'newUid'>;

function toNumber(source: Source, target: TargetAccounts, uid: number): Asked {
  const there = [...target.users.values()].find((user) => user.uid === uid);
  if (!isPersonal(uid, target.defs.uid)) {
    throw wrong(
      source.typed,
      `${uid} is not one of the ids of people, ${target.defs.uid.min} to ${target.defs.uid.max}`,
    );
  }
  if (there) return { ...source, to: there.name };
  if (!source.person) throw wrong(source.typed, `there is no user with the id ${uid} on the target`);
  const { username } = source.person;
  const namesake = target.users.get(username);
  if (namesake) throw wrong(source.typed, `${username} is on the target already, with the id ${namesake.uid}`);
  return { ...source, to: username, newUid: uid };
}

function toName(source: Source, target: TargetAccounts, to: string): Asked {
  if (!isAccountName(to)) throw wrong(source.typed, `${JSON.stringify(to)} cannot be the name of a user`);
  if (target.users.has(to) && !target.person(to)) throw wrong(source.typed, `${to} is an account of the system`);
  if (isGroupOfSystem(target, to) && !target.person(to)) throw wrong(source.typed, `${to} is a group of the system`);
  return { ...source, to };
}

/** Of a mapping that cannot be. */
export function wrong({ from, to }: UserMapping, why: string): ResettleError {
  return new ResettleError('usage', `--map-user ${from}=${to}: ${why}`, {
    hint: 'say --map-user OLD=NEW with the name or number of a person before, and after',
  });
}
