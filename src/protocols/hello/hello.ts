import type { Connection } from '@libp2p/interface';
import { HELLO_MESSAGE_MAX_BYTES, HELLOS_PER_CONNECTION_MAX } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import { faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import type { Turns } from '../wire/turns.ts';
import { HELLO_PROTOCOL, HelloAnswer, HelloRequest } from './messages.ts';

export interface HelloHost {
  /** Judges what the peer showed and says what it may know. Throws ResettleError to refuse. */
  onHello(request: HelloRequest, remotePeer: string): Promise<Partial<HelloAnswer>>;
}

/** The only protocol that strangers may speak. */
export async function serveHello(registrar: Handlers, host: HelloHost, turns?: Turns): Promise<void> {
  // Records are verified for each: strangers shall not have that done without end.
  const greetings = new WeakMap<Connection, number>();
  await registrar.handle(
    HELLO_PROTOCOL,
    async (stream, connection) => {
      const count = (greetings.get(connection) ?? 0) + 1;
      greetings.set(connection, count);
      if (count > HELLOS_PER_CONNECTION_MAX) {
        connection.abort(new Error('greeted too often'));
        return;
      }
      await serve(
        stream,
        HelloRequest,
        HelloAnswer,
        (request) =>
          host
            .onHello(request, connection.remotePeer.toString())
            .catch((error: unknown): Partial<HelloAnswer> => ({ fault: faultOf(error) })),
        { maxBytes: HELLO_MESSAGE_MAX_BYTES, inTurn: turns?.of(connection.remotePeer.toString()) },
      ).catch(() => {});
    },
    { maxInboundStreams: 2 },
  );
}

export function sayHello(
  connection: Connection,
  request: Partial<HelloRequest>,
  signal?: AbortSignal,
): Promise<HelloAnswer> {
  return call(connection, HELLO_PROTOCOL, { codec: HelloRequest, value: request }, HelloAnswer, {
    maxBytes: HELLO_MESSAGE_MAX_BYTES,
    ...(signal ? { signal } : {}),
  });
}
