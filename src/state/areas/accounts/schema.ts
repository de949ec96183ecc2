import { z } from 'zod';
import { ACCOUNTS_PEOPLE_MAX, ACCOUNTS_RANGES_MAX, AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { isAccountName } from './account-name.ts';

const name = z.string().refine(isAccountName, 'a name of a user or a group');
const id = z.number().int().min(0).max(0xffff_fffe);
/** Of one line and one field. */
const field = z
  .string()
  .max(1024)
  .refine((text) => !/[:\p{Cc}]/u.test(text), 'no colon, no line end');
const days = z.number().int().min(-1).max(10_000_000).optional();

/** One range of subordinate ids. */
const idRange = z
  .strictObject({ start: id, count: z.number().int().min(1).max(0xffff_fffe) })
  .refine(({ start, count }) => start + count <= 0xffff_ffff, 'a range of ids');
export type IdRange = z.infer<typeof idRange>;

const ranges = z.array(idRange).max(ACCOUNTS_RANGES_MAX);

/** A line of shadow, days since 1970-01-01; fields that are empty are left out. */
const shadow = z.strictObject({
  /** The hash as it stands there, with what locks it; the one secret of this document. */
  password: z
    .string()
    .max(1024)
    .regex(/^[!-9;-~]*$/u, 'the password field of shadow'),
  last_change: days,
  min: days,
  max: days,
  warning: days,
  inactive: days,
  expire: days,
});
export type Shadow = z.infer<typeof shadow>;

/** One person: osquery's `users`, with `shadow` where it could be read. */
const user = z.strictObject({
  username: name,
  uid: id,
  gid: id,
  description: field,
  directory: field,
  shell: field,
  shadow: shadow.optional(),
  subuids: ranges,
  subgids: ranges,
});
export type User = z.infer<typeof user>;

const names = z.array(name).max(ACCOUNTS_PEOPLE_MAX);

/** A group of people: osquery's `groups`, with its members, and those of gshadow who may add others (`gpasswd -A`). */
const group = z.strictObject({ groupname: name, gid: id, members: names, administrators: names.optional() });
export type Group = z.infer<typeof group>;

export const accountsSchema = z.strictObject({
  users: z.array(user).max(ACCOUNTS_PEOPLE_MAX),
  groups: z.array(group).max(ACCOUNTS_PEOPLE_MAX),
  /** The people who are members of a group of the system, by name. */
  memberships: z.array(z.strictObject({ groupname: name, members: names })).max(ACCOUNTS_PEOPLE_MAX),
  /** Names of the system's own ids, so that files of theirs find their owners again. */
  system_users: z.array(z.strictObject({ username: name, uid: id })).max(AREA_ITEMS_MAX),
  system_groups: z.array(z.strictObject({ groupname: name, gid: id })).max(AREA_ITEMS_MAX),
});
export type AccountsContent = z.infer<typeof accountsSchema>;
