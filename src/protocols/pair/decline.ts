/** The person at the other machine has said no to what was offered: the one word between two paired machines. */
import type { Connection } from '@libp2p/interface';
import { call, serve } from '../wire/control.ts';
import { bytesField, defineMessage, flagField } from '../wire/message.ts';
import type { Handlers } from '../wire/registrar.ts';

export const DECLINE_PROTOCOL = '/resettle/decline/1';

const SESSION_BYTES = 64;
const MESSAGE_MAX_BYTES = 128;

const DeclineRequest = defineMessage({ session: bytesField(1, SESSION_BYTES) });
const DeclineAnswer = defineMessage({ heard: flagField(1) });

/** Register it so that the paired machine alone reaches it. `onDecline` returns whether it was meant. */
export async function serveDecline(
  registrar: Handlers,
  onDecline: (session: Uint8Array, remotePeer: string) => boolean,
): Promise<void> {
  await registrar.handle(
    DECLINE_PROTOCOL,
    async (stream, connection) => {
      await serve(
        stream,
        DeclineRequest,
        DeclineAnswer,
        async ({ session }) => ({ heard: onDecline(session, connection.remotePeer.toString()) }),
        { maxBytes: MESSAGE_MAX_BYTES },
      ).catch(() => {});
    },
    { maxInboundStreams: 1 },
  );
}

/** Says no. Throws `failed` where the other machine is not there any more. */
export async function sayDecline(connection: Connection, session: Uint8Array): Promise<void> {
  const request = { codec: DeclineRequest, value: { session } };
  await call(connection, DECLINE_PROTOCOL, request, DeclineAnswer, { maxBytes: MESSAGE_MAX_BYTES });
}
