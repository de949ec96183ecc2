import { defineArea } from '../base/define-area.ts';
import { captureHomes } from './capture.ts';
import { checkHomes } from './check.ts';
import { planHomes } from './plan.ts';
import { type HomesContent, homesSchema } from './schema.ts';

/** People's homes and unread mail: which there are. Their files are the file engine's. */
export const homesArea = defineArea<HomesContent>({
  name: 'homes',
  version: 1,
  schema: homesSchema,
  writes: [],
  capture: captureHomes,
  plan: planHomes,
  check: checkHomes,
});
