/** The one place that touches the network: a `multicast-dns` socket bound to one interface. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv4 } from 'node:net';
import multicastDns from 'multicast-dns';
import { Budget } from '../../common/budget.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import { DISCOVERY_PACKETS_OF_ALL, DISCOVERY_PACKETS_PER_SOURCE } from '../../common/limits.ts';
import type { HeardPacket, OutgoingPacket } from './packets.ts';

/** What a socket tells. None of these may throw. */
export interface SocketEvents {
  /** A packet came in, by this interface or, on some systems, by another one. */
  onPacket(packet: HeardPacket, source: { readonly address: string; readonly port: number }): void;
  /** The open socket is of no use any more. It still has to be closed. */
  onError(error: Error): void;
}

/** A socket that sends through one interface only. */
export interface DiscoverySocket {
  /** Settles when the system has taken the packet. */
  send(packet: OutgoingPacket): Promise<void>;
  /** Always settles. */
  close(): Promise<void>;
}

/** Opens a socket that sends from that interface and address. Rejects when it cannot be used; then nothing is left open. */
export type OpenSocket = (
  local: { readonly name: string; readonly address: string },
  events: SocketEvents,
) => Promise<DiscoverySocket>;

const GROUP_IP6 = 'ff02::fb';

/** What `multicast-dns` needs: IPv4 goes by the interface's address, IPv6 by its name. */
function optionsFor({ name, address }: { readonly name: string; readonly address: string }): multicastDns.Options {
  if (isIPv4(address)) {
    const socket = leaveOutFloods(createSocket({ type: 'udp4', reuseAddr: true }), systemClock);
    return { interface: address, bind: '0.0.0.0', socket };
  }
  // Without ipv6Only it would hear IPv4 too, and keep others from the port.
  const socket = leaveOutFloods(createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true }), systemClock);
  return { type: 'udp6', ip: GROUP_IP6, interface: `::%${name}`, bind: '::', socket };
}

/** Passes no more packets on than anybody sends who has something to say: to decode one takes longer than to make it. */
export function leaveOutFloods<S extends Pick<Socket, 'emit'>>(socket: S, clock: Clock): S {
  const ofSource = new Budget<string>(clock, DISCOVERY_PACKETS_PER_SOURCE);
  const ofAll = new Budget<'all'>(clock, DISCOVERY_PACKETS_OF_ALL);
  const emit = socket.emit.bind(socket) as (event: string, ...args: unknown[]) => boolean;
  const guarded = (event: string, ...args: unknown[]): boolean => {
    if (event !== 'message') return emit(event, ...args);
    const { address } = args[1] as { address: string };
    return ofSource.take(address) && ofAll.take('all') && emit(event, ...args);
  };
  socket.emit = guarded as S['emit'];
  return socket;
}

/** A failure of the system, in contrast to a packet that could not be decoded. */
function isSystemError(error: Error): boolean {
  return 'syscall' in error || 'errno' in error;
}

/**
 * Opens a `multicast-dns` socket. It counts as open only after it has joined the group on the interface and is set to
 * send through it: before, it would send through the default route.
 */
export const openMulticastSocket: OpenSocket = async (local, events) => {
  const mdns = multicastDns(optionsFor(local));
  let isClosed = false;
  const close = (): Promise<void> => {
    if (isClosed) return Promise.resolve();
    isClosed = true;
    return new Promise((resolve) => {
      try {
        mdns.destroy(resolve);
      } catch {
        resolve(); // It was not running.
      }
    });
  };
  const opened = Promise.withResolvers<void>();
  let isJoined = false;
  let isOpen = false;
  const fail = (error: Error): void => {
    opened.reject(error);
    if (isOpen && !isClosed) events.onError(error);
  };
  mdns.on('networkInterface', () => {
    isJoined = true;
  });
  mdns.on('error', fail);
  mdns.on('warning', (error: Error) => {
    if (isSystemError(error)) fail(error);
  });
  mdns.on('ready', () => {
    if (isJoined) opened.resolve();
    else fail(new Error(`the interface of ${local.address} cannot be joined`));
  });
  mdns.on('packet', (packet: HeardPacket, source: { address: string; port: number }) => {
    if (isOpen && !isClosed) events.onPacket(packet, source);
  });
  try {
    await opened.promise;
    isOpen = true;
  } catch (error) {
    await close();
    throw error;
  }
  return { send: (packet) => send(mdns, packet), close };
};

function send(mdns: multicastDns.MulticastDNS, packet: OutgoingPacket): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null): void => (error ? reject(error) : resolve());
    if (packet.type === 'query') mdns.query(packet, done);
    else mdns.respond(packet, done);
  });
}
