import { z } from 'zod';
import { AREA_ITEMS_MAX } from '../../../common/limits.ts';
import { configFiles, plainPath } from '../base/config-file.ts';

export const securityContent = z.strictObject({
  /** What differs from what packages brought. */
  files: configFiles,
  /** Certificates of `files` that the machine's programs trusted. */
  trusted: z.array(plainPath).max(AREA_ITEMS_MAX),
  /** Files of PAM that were changed: named, not carried. */
  listed: z.array(plainPath).max(AREA_ITEMS_MAX),
});
export type SecurityContent = z.infer<typeof securityContent>;
