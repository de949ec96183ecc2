/** All that is fuzzed. */
import type { Target } from '../target.ts';
import { AREA_TARGETS } from './areas.ts';
import { FORMAT } from './format.ts';
import { HOME_FILES } from './home-files.ts';
import { KEYS } from './keys.ts';
import { MESSAGES } from './messages.ts';
import { OTHERS } from './others.ts';
import { PACKS } from './packs.ts';
import { PAIRING } from './pairing.ts';
import { PARSERS } from './parsers.ts';
import { RECORDS } from './records.ts';
import { STREAMS } from './streams.ts';
import { TEXTS } from './texts.ts';
import { TOOLS } from './tools.ts';

export const TARGETS: readonly Target[] = [
  ...MESSAGES,
  ...PAIRING,
  ...TEXTS,
  ...RECORDS,
  ...FORMAT,
  ...PACKS,
  ...STREAMS,
  ...KEYS,
  ...OTHERS,
  ...TOOLS,
  ...HOME_FILES,
  ...PARSERS,
  ...AREA_TARGETS,
];
