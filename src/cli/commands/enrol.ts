/** `fleet invite --code` and `fleet join --code`: a place in a fleet for one machine, by a code. */
import type { ApiEvent } from '../../api/contract.ts';
import { ResettleError } from '../../common/errors.ts';
import { askCode, showCode } from '../code.ts';
import type { Context } from '../context.ts';

interface CodeFlags {
  interface?: string[];
  peer?: string;
}

/** Options of `fleet invite`; with `--code` few of them have a meaning. */
export interface InviteByCodeFlags {
  expires: string;
  uses: string;
  role: string;
  recoveryFile?: string;
  passphraseFile?: string;
  ticket?: string;
  ticketBatch?: string;
  out?: string;
  interface?: string[];
  listen?: string[];
}

/** Of `fleet invite`, where nothing is said. */
const DEFAULT_EXPIRES = '24h';

/** Pairs by the code, and gets the invite that the other machine has for this one. */
export async function tokenOfCode(context: Context, given: string | true, flags: CodeFlags): Promise<string> {
  const { checkCode, inviteOfCode } = await import('../../api/pairing-service.ts');
  if (given !== true) checkCode(given);
  const code = given === true ? await askCode(context, 'resettle fleet invite --code', checkCode) : given;
  return inviteOfCode({
    homeDir: context.homeDir,
    interfaces: flags.interface ?? [],
    verbose: context.verbose,
    signal: context.signal,
    code,
    peer: flags.peer,
    emit: (event) => tellPairing(context, event),
  });
}

/** Shows a code and gives whoever proves it an invite. */
export async function inviteByCode(context: Context, flags: InviteByCodeFlags): Promise<void> {
  const { expires, uses, role, recoveryFile, passphraseFile, ticket, ticketBatch, out } = flags;
  const others = [recoveryFile, passphraseFile, ticket, ticketBatch, out].some((one) => one !== undefined);
  if (others || uses !== '1' || role !== 'member' || expires !== DEFAULT_EXPIRES) {
    throw new ResettleError('usage', 'a code lets one member in within ten minutes: other options do not go with it');
  }
  const { inviteByCode: invite } = await import('../../api/pairing-service.ts');
  const done = await invite({
    homeDir: context.homeDir,
    interfaces: flags.interface ?? [],
    verbose: context.verbose,
    signal: context.signal,
    listen: flags.listen ?? [],
    emit: (event) => tellPairing(context, event),
  });
  context.output.done(done, [`invited ${String(done.machineName)}`]);
}

function tellPairing(context: Context, event: ApiEvent): void {
  const { output } = context;
  if (output.json) output.event(event);
  else if (event.event === 'code') showCode(context, event, 'resettle fleet join --code');
  else if (event.event === 'attempt') output.message(`${String(event.message)}.`);
  else if (event.event === 'paired')
    output.message(`Paired with ${String(event.machineName)} (${String(event.system)}).`);
  else output.event(event);
}
