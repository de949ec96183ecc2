import type { System } from '../base/system.ts';

/** Where users' crontabs lie: Debian's, SUSE's, Fedora's. Undefined where there is no cron. */
export function spoolOf(system: System): string | undefined {
  return ['/var/spool/cron/crontabs', '/var/spool/cron/tabs', '/var/spool/cron'].find(
    (folder) => system.facts(folder)?.kind === 'folder',
  );
}

/** Where at keeps its jobs: Debian's, Fedora's. */
export const AT_SPOOLS = ['/var/spool/cron/atjobs', '/var/spool/at'] as const;
