import { defineArea } from '../base/define-area.ts';
import { captureLicences } from './capture.ts';
import { checkLicences } from './check.ts';
import { LICENCE_WRITES } from './places.ts';
import { planLicences } from './plan.ts';
import { type LicencesContent, licencesContent } from './schema.ts';
import { VARIABLE_WRITES } from './variables.ts';

/** Licences as typed things (D10): portable, to be re-hosted, unknown, or never carried, each with the reason. */
export const licencesArea = defineArea<LicencesContent>({
  name: 'licences',
  version: 1,
  schema: licencesContent,
  writes: [...LICENCE_WRITES, ...VARIABLE_WRITES],
  capture: captureLicences,
  plan: planLicences,
  check: checkLicences,
});
