/** Tries one address: does TCP connect, and who is there? */
import { connect as connectTcp } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { messageOf } from '../../common/errors.ts';
import { ADDRESS_PROBE_MS } from '../../common/limits.ts';
import type { Link } from '../link/libp2p-node.ts';

/** What became of an attempt. `answers` is the machine that was looked for. */
export const DIAL_OUTCOMES = [
  'answers',
  'refused',
  'timeout',
  'unreachable',
  'other-identity',
  'no-handshake',
  'itself',
] as const;
export type DialOutcome = (typeof DIAL_OUTCOMES)[number];

export interface Attempt {
  readonly outcome: DialOutcome;
  /** Until TCP was connected, or until it was clear that it does not. */
  readonly tookMs: number;
  /** Who answered instead, or what the system said. */
  readonly detail?: string;
  /** Open when the outcome is `answers`: the caller closes it. */
  readonly connection?: Connection;
}

/** How addresses are tried; a parameter, so that tests need no network. */
export type Prober = (address: string, expected: string | undefined, signal: AbortSignal) => Promise<Attempt>;

type TcpResult = { readonly kind: 'connected' | 'refused' | 'timeout' | 'unreachable'; readonly detail?: string };

function tryTcp(host: string, port: number, signal: AbortSignal): Promise<TcpResult> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const end = (result: TcpResult): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(result);
    };
    const onAbort = (): void => end({ kind: 'timeout', detail: 'interrupted' });
    const timer = setTimeout(() => end({ kind: 'timeout' }), ADDRESS_PROBE_MS);
    signal.addEventListener('abort', onAbort);
    socket.once('connect', () => end({ kind: 'connected' }));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') end({ kind: 'refused' });
      else if (error.code === 'ETIMEDOUT') end({ kind: 'timeout' });
      else end({ kind: 'unreachable', detail: error.code ?? error.message });
    });
  });
}

/** Tries addresses over the network, and proves with the agent's own node who answers. */
export function networkProber(link: Link): Prober {
  return async (address, expected, signal) => {
    const [, host, port] = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? [];
    if (host === undefined)
      return { outcome: 'unreachable', tookMs: 0, detail: 'not an address that TCP can be dialled at' };
    const beganMs = performance.now();
    const tcp = await tryTcp(host, Number(port), signal);
    const tookMs = Math.round(performance.now() - beganMs);
    if (tcp.kind !== 'connected')
      return { outcome: tcp.kind, tookMs, ...(tcp.detail === undefined ? {} : { detail: tcp.detail }) };
    try {
      // Without a peer id in it: whoever answers is taken, and then looked at.
      const bare = multiaddr(address.replace(/\/p2p\/.*$/, ''));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ADDRESS_PROBE_MS)]);
      const connection = await link.dial(bare, { force: true, signal: limit });
      const found = connection.remotePeer.toString();
      if (expected === undefined || found === expected)
        return { outcome: 'answers', tookMs, detail: found, connection };
      await connection.close().catch(() => {});
      return { outcome: 'other-identity', tookMs, detail: found };
    } catch (error) {
      const detail = messageOf(error).split('\n')[0]!;
      // libp2p refuses to connect to the own identity, be it this machine or a copy of it.
      if (/self/i.test(detail)) return { outcome: 'itself', tookMs };
      return { outcome: 'no-handshake', tookMs, detail };
    }
  };
}
