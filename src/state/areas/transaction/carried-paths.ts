import type { BackupRulesContent } from '../backup-rules/schema.ts';
import type { AreaName } from '../base/names.ts';
import type { LicencesContent } from '../licences/schema.ts';
import type { SecurityContent } from '../security/schema.ts';

/**
 * Files that areas carry in their documents, as captured, and that may lie in a folder that comes whole: one of /opt, /usr/local
 * or /srv. What an area adapts or withholds must not come by that folder once more. In homes they come with these.
 */
export function carriedPaths(contents: ReadonlyMap<AreaName, unknown>): readonly string[] {
  const backups = contents.get('backup-rules') as BackupRulesContent | undefined;
  const licences = contents.get('licences') as LicencesContent | undefined;
  const security = contents.get('security') as SecurityContent | undefined;
  return [
    ...(backups?.files ?? []).map(({ path }) => path),
    ...(licences?.licences ?? []).filter(({ home }) => home === undefined).map(({ file }) => file.path),
    ...(security?.files ?? []).map(({ path }) => path),
  ];
}
