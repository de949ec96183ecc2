/** The table of behaviours. */
import type { Behaviour } from '../behaviour.ts';
import { greetings } from './hello.ts';
import { muxer } from './muxer.ts';
import { sockets } from './sockets.ts';

export const behaviours: readonly Behaviour[] = [...sockets, ...muxer, ...greetings];
