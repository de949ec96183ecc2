import { z } from 'zod';
import { ACCOUNTS_PEOPLE_MAX, AREA_FILE_MAX_BYTES, AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { isAccountName } from '../accounts/account-name.ts';
import { configFile, configFiles } from '../base/config-file.ts';

const name = z.string().refine(isAccountName, 'a name of a user');
const line = z
  .string()
  .max(4096)
  .refine((text) => !/[\n\0]/u.test(text), 'one line');

export const schedulesSchema = z.strictObject({
  /** What each user had with `crontab -e`. */
  crontabs: z
    .array(z.strictObject({ username: name, text: z.string().max(AREA_FILE_MAX_BYTES) }))
    .max(ACCOUNTS_PEOPLE_MAX),
  /** Lines of /etc/crontab that no package put there. */
  system_lines: z.array(line).max(AREA_ITEMS_MAX),
  /** Files of cron and at in /etc that no package brought, or that were changed. */
  files: configFiles,
  /** Timers of systemd with what belongs to each: its service, drop-ins, and the links that enable it. */
  timers: z
    .array(z.strictObject({ name: z.string().regex(/^[\w@.:-]{1,250}\.timer$/u), files: z.array(configFile).max(100) }))
    .max(AREA_ITEMS_MAX),
  /** People whose own timers run while they are logged out. */
  lingering: z.array(name).max(ACCOUNTS_PEOPLE_MAX),
  /** What was waiting for at and batch; listed, for people. */
  at_jobs: z.array(z.strictObject({ job: line, username: line, due: z.iso.datetime() })).max(AREA_ITEMS_MAX),
});
export type SchedulesContent = z.infer<typeof schedulesSchema>;
export type Timer = SchedulesContent['timers'][number];
