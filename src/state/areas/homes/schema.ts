import { z } from 'zod';
import { ACCOUNTS_PEOPLE_MAX } from '../../../common/limits.ts';
import { isAccountName } from '../accounts/account-name.ts';
import { isHomePath } from '../accounts/home-path.ts';

const id = z.number().int().min(0).max(0xffff_fffe);
const line = z.string().max(4096);

/** One person's home, as far as that is known without walking it. */
const home = z.strictObject({
  username: z.string().refine(isAccountName, 'a name of a user'),
  directory: z.string().refine(isHomePath, 'a home'),
  /** Of the folder. */
  uid: id,
  gid: id,
  mode: z.number().int().min(0).max(0o7777),
  /** Names in it. */
  entries: z.number().int().min(0).optional(),
  /** Where its path is a link: the folder that it leads to. */
  link: z.string().refine(isHomePath, 'a home').optional(),
  /** Where it does not lie on the root's file system. */
  mount: z.strictObject({ path: line, device: line, type: line }).optional(),
  /** What lies in the spool: mail that was not read. */
  mail: z
    .string()
    .regex(/^\/var\/(?:spool\/)?mail\/[^/]+$/u)
    .optional(),
});
export type Home = z.infer<typeof home>;

export const homesSchema = z.strictObject({ homes: z.array(home).max(ACCOUNTS_PEOPLE_MAX) });
export type HomesContent = z.infer<typeof homesSchema>;
