import { isBroken } from '../../protocols/direct/broken.ts';
import { openDirect } from '../../protocols/direct/receive.ts';
import { serveDirect } from '../../protocols/direct/send.ts';
import { receiveSnapshot } from '../../state/receive/index.ts';
import { planSend, reopenSend } from '../../state/send/index.ts';
import { openedSnapshot } from '../roles/destination/apply.ts';
import type { Rooms } from './types.ts';

/** The rooms of state and protocols that pairing joins. */
export const rooms: Rooms = {
  planSend,
  reopenSend,
  serveDirect,
  openDirect,
  isBroken,
  openedSnapshot,
  receiveSnapshot,
};
