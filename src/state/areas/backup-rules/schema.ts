import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles, plainPath } from '../base/config-file.ts';

const rule = z.string().max(4096);

export const backupRulesContent = z.strictObject({
  /** Settings of backup programs for the whole machine, outside of homes. */
  files: configFiles,
  /** Those of people: they come with the homes; what they take and leave is compared. */
  inHomes: z
    .array(
      z.strictObject({
        home: plainPath,
        path: plainPath,
        tool: z.string().max(100),
        include: z.array(rule).max(AREA_ITEMS_MAX),
        exclude: z.array(rule).max(AREA_ITEMS_MAX),
      }),
    )
    .max(AREA_ITEMS_MAX),
});
export type BackupRulesContent = z.infer<typeof backupRulesContent>;
export type RulesInHome = BackupRulesContent['inHomes'][number];
