import { defineArea } from '../base/define-area.ts';
import { captureBackupRules } from './capture.ts';
import { checkBackupRules } from './check.ts';
import { planBackupRules } from './plan.ts';
import { type BackupRulesContent, backupRulesContent } from './schema.ts';
import { BACKUP_WRITES } from './tools.ts';

/** What backup programs take and leave out, and how they run; their passwords stay sealed in the snapshot. */
export const backupRulesArea = defineArea<BackupRulesContent>({
  name: 'backup-rules',
  version: 1,
  schema: backupRulesContent,
  writes: BACKUP_WRITES,
  capture: captureBackupRules,
  plan: planBackupRules,
  check: checkBackupRules,
});
