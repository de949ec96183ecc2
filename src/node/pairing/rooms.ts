import { ResettleError } from '../../common/errors.ts';
import type { Rooms } from './types.ts';

/** The rooms of state and protocols that pairing joins. */
export async function openRooms(): Promise<Rooms> {
  throw new ResettleError('not-built', 'sending from machine to machine is not built yet', {
    hint: 'use "resettle capture" and "resettle restore" with a folder or a point',
  });
}
