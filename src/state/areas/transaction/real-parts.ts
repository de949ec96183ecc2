import { fileURLToPath } from 'node:url';
import { ownersFor, ownersOf } from '../accounts/owners.ts';
import type { AccountsContent } from '../accounts/schema.ts';
import { blockedPaths } from '../applications/index.ts';
import type { ApplicationsContent } from '../applications/schema.ts';
import { LocalSystem } from '../base/local-system.ts';
import type { AreaName } from '../base/names.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import type { HomesContent } from '../homes/schema.ts';
import { armGuard } from '../network/link-guard.ts';
import { AREAS } from '../registry.ts';
import { installScript } from '../software/index.ts';
import { missingOf } from '../software/missing.ts';
import type { SoftwareContent } from '../software/schema.ts';
import { carriedPaths } from './carried-paths.ts';
import { journalDirOf } from './outcome.ts';
import type { AreasParts } from './parts.ts';
import type { PlanExtras } from './plan-extras.ts';

const ROLL_BACK = fileURLToPath(new URL('./roll-back-main.ts', import.meta.url));

const REAL_PARTS: AreasParts = {
  areas: AREAS,
  systemAt: (root) => new LocalSystem(root),
  ownerTable: (contents, target, { mapUsers }) =>
    ownersFor(
      contents.get('accounts') as AccountsContent | undefined,
      target,
      mapUsers,
      contents.get('homes') as HomesContent | undefined,
    ),
  ownersOf,
  extras,
  armGuard: ({ undoDir, rollBack }) =>
    armGuard({
      folder: journalDirOf(undoDir),
      // For the watchdog, where this process is gone.
      rollback: [process.execPath, '--disable-warning=ExperimentalWarning', '--disable-sigusr1', ROLL_BACK, undoDir],
      rollBack,
    }),
};

function extras(contents: ReadonlyMap<AreaName, unknown>, target: System, owners: Owners): PlanExtras {
  const applications = contents.get('applications') as ApplicationsContent | undefined;
  const software = contents.get('software') as SoftwareContent | undefined;
  return {
    blocked: applications ? blockedPaths(applications, target, owners) : [],
    carried: carriedPaths(contents),
    ...(software && isMissing(software, target, owners) && { installScript: installScript(software, target, owners) }),
  };
}

const isMissing = (...asked: Parameters<typeof missingOf>): boolean =>
  Object.values(missingOf(...asked)).some((list) => list.length > 0);

/** The real ones, or those of a test's module. */
export async function loadParts(module: string | undefined): Promise<AreasParts> {
  return module === undefined ? REAL_PARTS : ((await import(module)) as { readonly parts: AreasParts }).parts;
}
