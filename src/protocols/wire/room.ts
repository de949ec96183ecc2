import type { Stream } from '@libp2p/interface';
import { CONTROL_BYTES_MAX, CONTROL_BYTES_PER_PEER_MAX } from '../../common/limits.ts';
import type { Handlers } from './registrar.ts';

/**
 * Memory for control messages. Each may be large, and a peer may have many streams and connections: without a bound on all
 * of them together, requests that never end and answers that nobody reads would fill it.
 */
export class MessageRoom {
  readonly #ofPeer = new Map<string, number>();
  #taken = 0;

  /** False where there is no room for so much. */
  take(peer: string, bytes: number): boolean {
    const own = (this.#ofPeer.get(peer) ?? 0) + bytes;
    if (own > CONTROL_BYTES_PER_PEER_MAX || this.#taken + bytes > CONTROL_BYTES_MAX) return false;
    this.#ofPeer.set(peer, own);
    this.#taken += bytes;
    return true;
  }

  giveBack(peer: string, bytes: number): void {
    const left = this.#ofPeer.get(peer)! - bytes;
    if (left > 0) this.#ofPeer.set(peer, left);
    else this.#ofPeer.delete(peer);
    this.#taken -= bytes;
  }
}

/** The same handlers, for protocols of one request and one answer: both count until the stream is over. */
export function withinRoom(registrar: Handlers, room: MessageRoom): Handlers {
  return {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          count(stream, connection.remotePeer.toString(), room);
          return handler(stream, connection);
        },
        options,
      ),
  };
}

function count(stream: Stream, peer: string, room: MessageRoom): void {
  let taken = 0;
  const take = (bytes: number): void => {
    if (room.take(peer, bytes)) taken += bytes;
    else stream.abort(new Error('too many large messages at once'));
  };
  stream.addEventListener('message', ({ data }) => take(data.byteLength));
  stream.addEventListener('close', () => room.giveBack(peer, taken), { once: true });
  const send = stream.send.bind(stream);
  stream.send = (data) => {
    take(data.byteLength);
    return send(data);
  };
}
