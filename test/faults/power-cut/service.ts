/** What commands do that need no agent: the same service, in this process. */
import { withService } from '../../../src/api/connect.ts';
import type { ApiEvent, Method, RequestOf } from '../../../src/api/contract.ts';

type Done = Readonly<Record<string, unknown>>;

const NEVER = new AbortController().signal;

/** What a command of a machine comes to; throws as it does. */
export async function command<M extends Method>(
  home: string,
  method: M,
  request: RequestOf<M>,
  on: { readonly signal?: AbortSignal; onEvent?(event: ApiEvent): void } = {},
): Promise<Done> {
  const { signal = NEVER, onEvent = () => {} } = on;
  return await withService(home, (service) => service.call(method, request, onEvent, signal));
}

export const restoring = (store: string, into: string, more: Partial<RequestOf<'restoreFolder'>> = {}) =>
  ({
    ...{ dir: store, into, strip: true, root: false, allowPrivileged: false, mapUsers: [], dryRun: false },
    ...more,
  }) as RequestOf<'restoreFolder'>;

/** Tells the recorder that somebody has seen this: it must stand from here on. */
export function say(what: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}
