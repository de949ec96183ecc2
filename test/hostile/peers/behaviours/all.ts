/** The table of behaviours. */
import type { Behaviour } from '../behaviour.ts';
import { transfers } from './blocks.ts';
import { greetings } from './hello.ts';
import { holders } from './holders.ts';
import { inTheMiddle } from './middle.ts';
import { packetsHeard } from './multicast.ts';
import { muxer } from './muxer.ts';
import { smallProtocols } from './others.ts';
import { besidePairings } from './pairing.ts';
import { requests } from './point.ts';
import { points } from './points.ts';
import { records } from './records.ts';
import { sockets } from './sockets.ts';

export const behaviours: readonly Behaviour[] = [
  ...sockets,
  ...muxer,
  ...greetings,
  ...requests,
  ...records,
  ...transfers,
  ...smallProtocols,
  ...inTheMiddle,
  ...packetsHeard,
  ...besidePairings,
  ...points,
  ...holders,
];
