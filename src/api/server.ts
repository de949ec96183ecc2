import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf, ResettleError } from '../common/errors.ts';
import { callChecked } from './checked.ts';
import { type ApiEvent, isMethod, type Service } from './contract.ts';

const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** What sockaddr_un holds. */
const SOCKET_PATH_MAX_BYTES = 107;

/** The local API: `POST /v1/METHOD` with a JSON body; the answer is a row of server-sent events. */
export class ApiServer {
  readonly #server: Server;
  readonly #socketPath: string;

  private constructor(server: Server, socketPath: string) {
    this.#server = server;
    this.#socketPath = socketPath;
  }

  /** Listens on a socket that only this user can open. The caller holds the lock on HOME, so an old socket is dead. */
  static async listen(service: Service, socketPath: string): Promise<ApiServer> {
    if (Buffer.byteLength(socketPath) > SOCKET_PATH_MAX_BYTES) {
      throw new ResettleError('usage', `${socketPath} is too long for a socket`, {
        hint: 'give a shorter --home',
      });
    }
    const server = createServer((request, response) => void answer(service, request, response));
    rmSync(socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    // Nobody else comes as far as the socket anyway: it lies in a folder of mode 0700.
    chmodSync(socketPath, 0o600);
    return new ApiServer(server, socketPath);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    rmSync(this.#socketPath, { force: true });
  }
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => abort.abort(new ResettleError('interrupted', 'the caller went away')));
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const emit = (event: ApiEvent): void => {
    if (!response.writableEnded && !response.destroyed) response.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  try {
    const [, version, method] = (request.url ?? '').split('/');
    if (request.method !== 'POST' || version !== 'v1' || method === undefined || !isMethod(method)) {
      throw new ResettleError('usage', `no such request: ${request.method} ${request.url}`);
    }
    const done = await callChecked(service, method, await readBody(request), emit, abort.signal);
    emit({ event: 'done', ...done });
  } catch (error) {
    emit(errorEvent(error));
  }
  response.end();
}

export function errorEvent(error: unknown): ApiEvent {
  const known = error instanceof ResettleError ? error : undefined;
  const aborted = error instanceof Error && error.name === 'AbortError';
  return {
    event: 'error',
    code: known?.code ?? (aborted ? 'interrupted' : 'failed'),
    message: messageOf(error),
    ...(known?.hint ? { hint: known.hint } : {}),
    ...(error instanceof Error && error.stack ? { stack: stackOf(error) } : {}),
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack}${cause}`;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_MAX_BYTES) throw new ResettleError('usage', 'the request is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ResettleError('usage', 'the request is not JSON', { cause });
  }
}
