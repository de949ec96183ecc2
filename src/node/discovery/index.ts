/** Finding peers on the local network by multicast DNS. */
export { MdnsDiscovery } from './discovery.ts';
export { SERVICE_TAG } from './packets.ts';
export type { DiscoverySocket, OpenSocket, SocketEvents } from './socket.ts';
export type {
  DiscoveryLog,
  DiscoveryOptions,
  DuplicateIdentity,
  FoundPeer,
  InterfaceInUse,
  InterfaceReport,
  SeenDuplicate,
  Timers,
} from './types.ts';
