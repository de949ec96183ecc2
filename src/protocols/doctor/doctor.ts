import type { Connection } from '@libp2p/interface';
import { DOCTOR_MESSAGE_MAX_BYTES, DOCTOR_TIMEOUT_MS } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import { errorOfFault, faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import { DOCTOR_PROTOCOL, DoctorAnswer, DoctorRequest } from './messages.ts';

export interface DoctorHost {
  /** Looks at how the peer is seen from here. Throws ResettleError to refuse. */
  onDoctor(remotePeer: string): Promise<Partial<DoctorAnswer>>;
}

/** @param registrar the one that serves members only */
export async function serveDoctor(registrar: Handlers, host: DoctorHost): Promise<void> {
  await registrar.handle(
    DOCTOR_PROTOCOL,
    async (stream, connection) => {
      const answer = (): Promise<Partial<DoctorAnswer>> =>
        host.onDoctor(connection.remotePeer.toString()).catch((error: unknown) => ({ fault: faultOf(error) }));
      await serve(stream, DoctorRequest, DoctorAnswer, answer, { maxBytes: DOCTOR_MESSAGE_MAX_BYTES }).catch(() => {});
    },
    { maxInboundStreams: 1 },
  );
}

/** Asks a member how it sees this machine. Throws what it answers, or `failed`. */
export async function askHowSeen(
  connection: Connection,
  request: Partial<DoctorRequest>,
  signal: AbortSignal,
): Promise<DoctorAnswer> {
  const answer = await call(connection, DOCTOR_PROTOCOL, { codec: DoctorRequest, value: request }, DoctorAnswer, {
    maxBytes: DOCTOR_MESSAGE_MAX_BYTES,
    timeoutMs: DOCTOR_TIMEOUT_MS,
    signal,
  });
  if (answer.fault) throw errorOfFault(answer.fault, connection.remotePeer.toString());
  return answer;
}
