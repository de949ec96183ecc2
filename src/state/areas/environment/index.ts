/**
 * Language, time zone, and what every session on the machine gets. Files of NAME=VALUE lines and lists are merged line by
 * line: what is missing is added, what the person set on the target stays. Whole files come only where nobody changed the
 * target's. What every shell reads, root's too, comes only where that is allowed.
 */
import { defineArea } from '../base/define-area.ts';
import { activateEnvironment, validateEnvironment } from './activate.ts';
import { captureEnvironment } from './capture.ts';
import { checkEnvironment } from './check.ts';
import { LOCALE_FILES } from './locale.ts';
import { LOCALE_GEN } from './locale-gen.ts';
import { planEnvironment } from './plan.ts';
import { type Environment, environmentSchema } from './schema.ts';
import { SHELLS } from './shells.ts';
import { LOCALTIME, TIMEZONE } from './time-zone.ts';
import { ENVIRONMENT } from './variables.ts';
import { FOLDERS, SINGLE_FILES } from './whole-files.ts';

export const environmentArea = defineArea<Environment>({
  name: 'environment',
  version: 1,
  schema: environmentSchema,
  writes: [
    ...LOCALE_FILES,
    LOCALE_GEN,
    LOCALTIME,
    TIMEZONE,
    ENVIRONMENT,
    SHELLS,
    '/etc/security',
    ...SINGLE_FILES,
    ...FOLDERS.flatMap((folder) => [folder, `${folder}/**`]),
  ],
  capture: (system) => captureEnvironment(system),
  plan: planEnvironment,
  check: (content, system) => checkEnvironment(content, system),
  validate: validateEnvironment,
  activate: activateEnvironment,
});
