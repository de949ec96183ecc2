import type { Flood } from './flood.ts';
import { members } from './members.ts';
import { packs } from './packs.ts';
import { strangers } from './strangers.ts';

export const floods: readonly Flood[] = [...strangers, ...members, ...packs];
