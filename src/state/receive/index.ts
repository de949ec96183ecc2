/** The face of the receive room. */
export { type ReceiveOptions, receiveSnapshot } from './receive-snapshot.ts';
