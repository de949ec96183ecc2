import { identify } from '@libp2p/identify';
import type { ComponentLogger, PrivateKey } from '@libp2p/interface';
import { ping } from '@libp2p/ping';
import { createLibp2p, type Libp2p } from 'libp2p';
import { systemClock } from '../../common/clock.ts';
import {
  ADDRESS_DIAL_TIMEOUT_MS,
  CONNECTIONS_MAX,
  INBOUND_CONNECTIONS_PER_SECOND,
  PENDING_CONNECTIONS_MAX,
} from '../../common/limits.ts';
import { BLOCKS_PROTOCOL } from '../../protocols/blocks/messages.ts';
import { DIRECT_PROTOCOL } from '../../protocols/direct/messages.ts';
import type { Handlers } from '../../protocols/wire/registrar.ts';
import { addressSorter } from './address-order.ts';
import { guardedNoise, guardedTcp, guardedYamux, Remotes, type YamuxRules } from './guarded.ts';
import { InboundGate } from './inbound-gate.ts';
import { rememberedLinks } from './interfaces.ts';
import type { Transports } from './listening.ts';
import { STRANGERS } from './pace.ts';

export interface LinkOptions {
  readonly privateKey: PrivateKey;
  readonly listen: readonly string[];
  /** Wraps the registrar of libp2p's own services, so that they serve members only. */
  readonly guard: <R extends Handlers>(registrar: R) => R;
  /** Who has a pace of his own; all others share one. Where nobody says, everybody has. */
  readonly isMember?: (peer: string) => boolean;
  readonly logger?: ComponentLogger;
}

/** Must be the same for identify and ping. */
const PROTOCOL_PREFIX = 'resettle';
/** libp2p's own ping, as our members speak it. */
export const PING_PROTOCOL = `/${PROTOCOL_PREFIX}/ping/1.0.0`;

/** Protocols that do not send messages with their lengths in front. */
const UNPREFIXED: ReadonlySet<string> = new Set([PING_PROTOCOL, BLOCKS_PROTOCOL, DIRECT_PROTOCOL]);

/** The node, with what is needed to listen at other addresses while it runs. */
export type Link = Libp2p<{ transports: Transports }>;

/** Components with the registrar replaced; everything else as it is. */
function withGuard<C extends object>(components: C, guard: LinkOptions['guard']): C {
  return new Proxy(components, {
    get(target, key) {
      const value = Reflect.get(target, key);
      return key === 'registrar' ? guard(value as Handlers) : value;
    },
  });
}

/**
 * A libp2p node over TCP, Noise and yamux. The values are measured ones (docs/PERFORMANCE.md); discovery stands
 * beside it, and what it stores of peers is forgotten at its end: our signed records are the durable truth.
 */
export function createLink(options: LinkOptions): Promise<Link> {
  const { guard, isMember = () => true } = options;
  const remotes = new Remotes();
  const paceOf = (remote: string | undefined): string =>
    remote !== undefined && isMember(remote) ? remote : STRANGERS;
  const rules: YamuxRules = { remotes, paceOf, isPrefixed: (protocol) => !UNPREFIXED.has(protocol) };
  return createLibp2p({
    privateKey: options.privateKey,
    nodeInfo: { userAgent: 'resettle' },
    addresses: { listen: [...options.listen] },
    transports: [guardedTcp()],
    connectionEncrypters: [guardedNoise(remotes)],
    streamMuxers: [guardedYamux(rules, systemClock)],
    connectionGater: new InboundGate(systemClock),
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: INBOUND_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: PENDING_CONNECTIONS_MAX,
      addressSorter: addressSorter(rememberedLinks(systemClock)),
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      reconnectRetries: 0,
    },
    // Its pings would be most of what an idle agent sends, and would end transfers when an event loop stands still for a
    // moment. Dead connections are found by comparing records and by the transfers' own stall timers.
    connectionMonitor: { enabled: false },
    services: {
      identify: (components) => identify({ protocolPrefix: PROTOCOL_PREFIX })(withGuard(components, guard)),
      ping: (components) => ping({ protocolPrefix: PROTOCOL_PREFIX })(withGuard(components, guard)),
      // An object of our own: libp2p would start the transport manager a second time as a service.
      transports: ({ transportManager }: { transportManager: Transports }): Transports => ({
        listen: (wanted) => transportManager.listen(wanted),
        getListeners: () => transportManager.getListeners(),
      }),
    },
    ...(options.logger ? { logger: options.logger } : {}),
    start: false,
  });
}
