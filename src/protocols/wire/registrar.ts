import type { StreamHandler, StreamHandlerOptions } from '@libp2p/interface';
import { CONTROL_STREAMS_MAX } from '../../common/limits.ts';

/** The part of libp2p's registrar that protocols use. */
export interface Handlers {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>;
}

export type IsMember = (peerId: string) => boolean;
export type Refused = (protocol: string, peerId: string) => void;

/**
 * The same registrar, but every handler that goes through it serves members only: default deny, decided anew for each
 * stream. Everything but `hello` is registered through it, libp2p's own identify and ping included.
 */
export function membersOnly<R extends Handlers>(registrar: R, isMember: IsMember, refused: Refused): R {
  return new Proxy(registrar, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== 'handle') return typeof value === 'function' ? value.bind(target) : value;
      return (protocol: string, handler: StreamHandler, options?: StreamHandlerOptions) =>
        target.handle(protocol, guarded(protocol, handler, isMember, refused), {
          maxInboundStreams: CONTROL_STREAMS_MAX,
          ...options,
        });
    },
  });
}

function guarded(protocol: string, handler: StreamHandler, isMember: IsMember, refused: Refused): StreamHandler {
  return (stream, connection) => {
    const peerId = connection.remotePeer.toString();
    if (!isMember(peerId)) {
      refused(protocol, peerId);
      stream.abort(new Error('not a member of this fleet'));
      return;
    }
    return handler(stream, connection);
  };
}
