/** All that is fuzzed. */
import type { Target } from '../target.ts';
import { AREA_TARGETS } from './areas.ts';
import { FORMAT } from './format.ts';
import { HOME_FILES } from './home-files.ts';
import { MESSAGES } from './messages.ts';
import { PACKS } from './packs.ts';
import { PAIRING } from './pairing.ts';
import { PARSERS } from './parsers.ts';
import { RECORDS } from './records.ts';
import { TEXTS } from './texts.ts';

export const TARGETS: readonly Target[] = [
  ...MESSAGES,
  ...PAIRING,
  ...TEXTS,
  ...RECORDS,
  ...FORMAT,
  ...PACKS,
  ...HOME_FILES,
  ...PARSERS,
  ...AREA_TARGETS,
];
