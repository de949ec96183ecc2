/** All that is fuzzed. */
import type { Target } from '../target.ts';
import { FORMAT } from './format.ts';
import { MESSAGES } from './messages.ts';
import { PACKS } from './packs.ts';
import { PAIRING } from './pairing.ts';
import { RECORDS } from './records.ts';
import { TEXTS } from './texts.ts';

export const TARGETS: readonly Target[] = [...MESSAGES, ...PAIRING, ...TEXTS, ...RECORDS, ...FORMAT, ...PACKS];
