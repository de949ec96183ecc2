import { request as httpRequest, type IncomingMessage } from 'node:http';
import { isErrorCode, ResettleError } from '../common/errors.ts';
import type { ApiEvent, Method, RequestOf, Service } from './contract.ts';

/** The typed client of a running agent: the same Service, over HOME/agent.sock. */
export class ApiClient implements Service {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  async call<M extends Method>(
    method: M,
    request: RequestOf<M>,
    emit: (event: ApiEvent) => void,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    const response = await this.#post(method, JSON.stringify(request), signal);
    let rest = '';
    response.setEncoding('utf8');
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const blocks = (rest + chunk).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = JSON.parse(block.slice('data: '.length)) as ApiEvent;
          if (event.event === 'error') throw errorOf(event);
          if (event.event === 'done') {
            const { event: _, ...done } = event;
            return done;
          }
          emit(event);
        }
      }
    } catch (error) {
      if (error instanceof ResettleError || signal.aborted) throw error;
      throw ended(error);
    }
    throw ended(undefined);
  }

  #post(method: Method, body: string, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        { socketPath: this.#socketPath, path: `/v1/${method}`, method: 'POST', signal },
        resolve,
      );
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ENOENT' || error.code === 'ECONNREFUSED' ? notRunning(this.#socketPath, error) : error);
      });
      outgoing.end(body);
    });
  }
}

function notRunning(socketPath: string, cause: Error): ResettleError {
  return new ResettleError('agent-not-running', `no agent is running on ${socketPath.replace(/\/agent\.sock$/, '')}`, {
    hint: 'start one with "resettle agent", with the same --home',
    cause,
  });
}

function ended(cause: unknown): ResettleError {
  return new ResettleError('failed', 'the agent ended before the request was done', {
    hint: 'see its log, start it again and run the same command again',
    cause,
  });
}

function errorOf(event: ApiEvent): ResettleError {
  const code = isErrorCode(event.code) ? event.code : 'failed';
  const error = new ResettleError(code, String(event.message), event.hint ? { hint: String(event.hint) } : {});
  if (typeof event.stack === 'string') error.stack = event.stack;
  return error;
}
