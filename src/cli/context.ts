import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApiEvent, Method, RequestOf, Service } from '../api/contract.ts';
import { ResettleError } from '../common/errors.ts';
import { Output } from './output.ts';

/** The options that stand before or after every command. */
interface CommonOptions {
  home?: string;
  json?: boolean;
  quiet?: boolean;
  yes?: boolean;
  verbose?: boolean;
}

/** What every command has: where the agent lives, where words go, and when to stop. */
export interface Context {
  readonly homeDir: string | undefined;
  readonly output: Output;
  readonly verbose: boolean;
  readonly yes: boolean;
  /** Somebody is at the terminal who can be asked. */
  readonly mayAsk: boolean;
  readonly signal: AbortSignal;
}

export function withCommonOptions(command: Command): Command {
  return command
    .option('--home <DIR>', "the agent's own folder (or RESETTLE_HOME)")
    .option('--json', 'one JSON event a line on standard output')
    .option('--quiet', 'no progress and no words')
    .option('--yes', 'answer yes where that is enough')
    .option('--verbose', 'show where an error came from');
}

export function contextOf(command: Command, signal: AbortSignal): Context {
  const options = command.optsWithGlobals<CommonOptions>();
  return {
    homeDir: options.home === undefined ? undefined : resolve(options.home),
    output: new Output({ json: options.json === true, quiet: options.quiet === true }),
    verbose: options.verbose === true,
    yes: options.yes === true,
    mayAsk: process.stdin.isTTY === true && options.json !== true,
    signal,
  };
}

/** Asks the running agent. Throws `agent-not-running`. */
export async function callAgent<M extends Method>(
  context: Context,
  method: M,
  request: RequestOf<M>,
): Promise<Record<string, unknown>> {
  const { agentClient } = await import('../api/connect.ts');
  return checked(context, await agentClient(context.homeDir), method, request);
}

/** Asks the running agent, or, where none runs, the same service in this process. */
export async function callAgentOrHere<M extends Method>(
  context: Context,
  method: M,
  request: RequestOf<M>,
  onEvent: (event: ApiEvent) => void = context.output.event,
): Promise<Record<string, unknown>> {
  const { withReader, withService } = await import('../api/connect.ts');
  const open = method === 'plan' ? withReader : withService;
  return open(context.homeDir, (service) => checked(context, service, method, request, onEvent));
}

/** What the same command does when it is given once more. */
const AGAIN: Partial<Record<Method, string>> = {
  capture: 'the same command goes on from here',
  captureFolder: 'the same command goes on from here',
  restore: 'the same command goes on from here',
  restoreFolder: 'the same command goes on from here',
  undo: 'the same command goes on from here',
};

async function checked<M extends Method>(
  context: Context,
  service: Service,
  method: M,
  request: RequestOf<M>,
  onEvent: (event: ApiEvent) => void = context.output.event,
): Promise<Record<string, unknown>> {
  try {
    return await service.call(method, request, onEvent, context.signal);
  } catch (error) {
    if (context.signal.aborted)
      throw new ResettleError('interrupted', 'interrupted', { hint: AGAIN[method] ?? 'run the same command again' });
    throw error;
  }
}
