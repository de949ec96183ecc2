import type { Connection } from '@libp2p/interface';
import { SHARES_MESSAGE_MAX_BYTES } from '../../common/limits.ts';
import { call, serve } from '../wire/control.ts';
import { errorOfFault, faultOf } from '../wire/fault.ts';
import type { Handlers } from '../wire/registrar.ts';
import type { Turns } from '../wire/turns.ts';
import {
  type About,
  type Put,
  type Release,
  type Retire,
  type SealedShare,
  type Settle,
  SHARES_PROTOCOL,
  SharesAnswer,
  SharesRequest,
} from './messages.ts';

export interface SharesHost {
  /** Does what a member asks of this share holder. Throws ResettleError to refuse. */
  onSharesRequest(request: SharesRequest, remotePeer: string): Promise<Partial<SharesAnswer>>;
}

export async function serveShares(
  registrar: Handlers,
  host: SharesHost,
  log: (error: unknown, peer: string) => void,
  turns?: Turns,
): Promise<void> {
  await registrar.handle(SHARES_PROTOCOL, async (stream, connection) => {
    const peer = connection.remotePeer.toString();
    const answer = (request: SharesRequest): Promise<Partial<SharesAnswer>> =>
      host.onSharesRequest(request, peer).catch((error: unknown) => {
        log(error, peer);
        return { fault: faultOf(error) };
      });
    const options = { maxBytes: SHARES_MESSAGE_MAX_BYTES, inTurn: turns?.of(peer) };
    await serve(stream, SharesRequest, SharesAnswer, answer, options).catch((error: unknown) => log(error, peer));
  });
}

/** A share holder as source and destination see it. Every method throws what the holder answered. */
export class SharesClient {
  readonly #connection: Connection;
  readonly #name: string;

  /** `name` stands for the holder in messages to people. */
  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** Settles where the holder would keep a share. */
  async offer(about: About, signal: AbortSignal): Promise<void> {
    await this.#ask({ offer: about }, signal);
  }

  /** Settles when the share is durable there. */
  async put(put: Put, signal: AbortSignal): Promise<void> {
    await this.#ask({ put }, signal);
  }

  async settle(settle: Settle, signal: AbortSignal): Promise<void> {
    await this.#ask({ settle }, signal);
  }

  /** Settles when nothing of that deal is kept there, also where nothing was. */
  async retire(retire: Retire, signal: AbortSignal): Promise<void> {
    await this.#ask({ retire }, signal);
  }

  /** For one `release` soon after, by the same peer. */
  async nonce(about: About, signal: AbortSignal): Promise<Uint8Array> {
    return (await this.#ask({ nonce: about }, signal)).nonce;
  }

  async release(release: Release, signal: AbortSignal): Promise<readonly SealedShare[]> {
    return (await this.#ask({ release }, signal)).shares;
  }

  async #ask(value: Partial<SharesRequest>, signal: AbortSignal): Promise<SharesAnswer> {
    const request = { codec: SharesRequest, value };
    const options = { signal, maxBytes: SHARES_MESSAGE_MAX_BYTES };
    const answer = await call(this.#connection, SHARES_PROTOCOL, request, SharesAnswer, options);
    if (answer.fault) throw errorOfFault(answer.fault, this.#name);
    return answer;
  }
}
