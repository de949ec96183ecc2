import { defineArea } from '../base/define-area.ts';
import { captureSoftware } from './capture.ts';
import { checkSoftware } from './check.ts';
import { planSoftware } from './plan.ts';
import { type SoftwareContent, softwareContent } from './schema.ts';
import { SOFTWARE_WRITES } from './sources.ts';

export { installScript } from './install-script.ts';

/** What was installed and from where. Sources come where they are asked for; programs a person installs, by a script. */
export const softwareArea = defineArea<SoftwareContent>({
  name: 'software',
  version: 1,
  schema: softwareContent,
  writes: SOFTWARE_WRITES,
  capture: captureSoftware,
  plan: planSoftware,
  check: checkSoftware,
});
