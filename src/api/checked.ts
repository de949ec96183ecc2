import { ResettleError } from '../common/errors.ts';
import { parseBy } from '../common/parse-by.ts';
import { type ApiEvent, type Method, type RequestOf, requests, type Service } from './contract.ts';

/** Checks a request's shape before the service sees it. Throws `usage`, naming the field. */
export async function callChecked<M extends Method>(
  service: Service,
  method: M,
  body: unknown,
  emit: (event: ApiEvent) => void,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const parsed = parseBy(requests[method], body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join('.') || method;
    throw new ResettleError('usage', `${field}: ${issue?.message ?? 'not understood'}`, {
      hint: 'give another value; --help shows what the command takes',
    });
  }
  return service.call(method, parsed.data as RequestOf<M>, emit, signal);
}
