import { loadCatalogue, ruleFolders } from '../../catalogue/load.ts';
import type { CatalogueRule } from '../../catalogue/schema.ts';
import { readDconf } from '../../dconf/dconf-database.ts';
import { printGVariant } from '../../dconf/gvariant-text.ts';
import { defineArea } from '../base/define-area.ts';
import type { Area } from '../base/types.ts';
import { captureApplications } from './capture.ts';
import { checkApplications } from './check.ts';
import type { ApplicationsOptions } from './options.ts';
import { planApplications } from './plan.ts';
import { type ApplicationsContent, applicationsSchema } from './schema.ts';

export { type Blocked, blockedPaths } from './blocked.ts';
export type { ApplicationsOptions } from './options.ts';

/** The area with another catalogue, or with a reader of dconf databases. */
export function applicationsWith(options: ApplicationsOptions): Area {
  return defineArea<ApplicationsContent>({
    name: 'applications',
    version: 1,
    schema: applicationsSchema,
    // Data comes as files; nothing is written by the plan.
    writes: [],
    capture: (system, about) => captureApplications(system, about, options),
    plan: planApplications,
    check: (content, system, about) => checkApplications(content, system, about, options),
  });
}

/** The area with a catalogue that was read already. */
export function applicationsBy(rules: ApplicationsOptions['rules'], hasOwnRules = false): Area {
  return applicationsWith({ rules, hasOwnRules, readDconf: settingsIn, nowMs: () => performance.now() });
}

function settingsIn(database: Uint8Array): ReadonlyMap<string, string> | undefined {
  const found = readDconf(Buffer.from(database));
  return found && new Map([...found].map(([key, value]) => [key, printGVariant(value)]));
}

/** Read once a process. */
let catalogue: readonly CatalogueRule[] | undefined;

function rules(): readonly CatalogueRule[] {
  catalogue ??= loadCatalogue(ruleFolders());
  return catalogue;
}

/** What the catalogue knows of the applications of people and machine. */
export const applicationsArea = applicationsBy(rules);
