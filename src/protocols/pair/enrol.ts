/** An invite for the machine that has paired for a place in a fleet: one request, one token, over the paired connection. */
import type { Connection } from '@libp2p/interface';
import { ResettleError } from '../../common/errors.ts';
import { INVITE_TOKEN_MAX_CHARS } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import { errorOfFault, Fault, faultOf } from '../wire/fault.ts';
import { bytesField, defineMessage, messageField, textField } from '../wire/message.ts';
import type { Handlers } from '../wire/registrar.ts';

const ENROL_PROTOCOL = '/resettle/enrol/1';

const SESSION_BYTES = 64;
const REQUEST_MAX_BYTES = 128;
const ANSWER_MAX_BYTES = INVITE_TOKEN_MAX_CHARS + 4096;

const EnrolRequest = defineMessage({ session: bytesField(1, SESSION_BYTES) });
const EnrolAnswer = defineMessage({
  fault: messageField(1, Fault),
  token: textField(2, INVITE_TOKEN_MAX_CHARS),
});

/** @param inviteFor checks who asks, by the pairing, and returns a token in text; throws `refused` */
export async function serveEnrol(
  registrar: Handlers,
  inviteFor: (session: Uint8Array, remotePeer: string) => Promise<string>,
): Promise<void> {
  await registrar.handle(
    ENROL_PROTOCOL,
    async (stream, connection) => {
      await serve(
        stream,
        EnrolRequest,
        EnrolAnswer,
        ({ session }) =>
          inviteFor(session, connection.remotePeer.toString()).then(
            (token) => ({ token }),
            (error: unknown) => ({ fault: faultOf(error) }),
          ),
        { maxBytes: REQUEST_MAX_BYTES },
      ).catch(() => {});
    },
    { maxInboundStreams: 1 },
  );
}

/** The token. Throws what the other machine says, or `failed` where it is not there any more. */
export async function askForInvite(connection: Connection, session: Uint8Array, signal: AbortSignal): Promise<string> {
  const request = { codec: EnrolRequest, value: { session } };
  const options = { maxBytes: ANSWER_MAX_BYTES, signal };
  const { fault, token } = await call(connection, ENROL_PROTOCOL, request, EnrolAnswer, options);
  if (fault) throw errorOfFault(fault, connection.remotePeer.toString());
  if (token === '') throw new ResettleError('damaged', 'the other machine sent an invite without a token');
  return token;
}
