import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { parseDurationMs } from '../../common/sizes.ts';
import { type Context, callAgentOrHere } from '../context.ts';
import { prompt, readSecret } from '../secrets.ts';
import { table } from '../table.ts';
import { type InviteByCodeFlags, inviteByCode, tokenOfCode } from './enrol.ts';
import { runTicket, runTicketBatch } from './tickets.ts';

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function describeInit(command: Command): Command {
  return command
    .description('make a fleet, with this machine as its first operator')
    .requiredOption('--name <NAME>', "the fleet's name")
    .option('--recovery-out <F>', 'write authority and recovery keys to F, under a passphrase')
    .option('--passphrase-file <F>', 'read the passphrase from F, or from standard input with - (default: ask)')
    .addHelpText('after', '\nExample:\n  resettle fleet init --name office --recovery-out office-recovery.age');
}

export async function runInit(
  context: Context,
  flags: { name: string; recoveryOut?: string; passphraseFile?: string },
): Promise<void> {
  if (flags.passphraseFile !== undefined && flags.recoveryOut === undefined) {
    throw new ResettleError('usage', '--passphrase-file goes with --recovery-out F');
  }
  const recovery =
    flags.recoveryOut === undefined
      ? {}
      : {
          recovery: {
            out: resolve(flags.recoveryOut),
            passphrase: await readSecret('passphrase', flags.passphraseFile),
          },
        };
  const done = await callAgentOrHere(context, 'fleetInit', { name: flags.name, ...recovery });
  context.output.message(
    flags.recoveryOut === undefined
      ? `The authority key is ${String(done.authorityKey)}: keep a copy of it in a safe place. There is no recovery key: a state can be read by its destination only.`
      : `Authority and recovery keys are in ${flags.recoveryOut}: keep it and its passphrase in safe places.`,
  );
  context.output.done(done, [`fleet ${String(done.fleet)}`]);
}

export function describeInvite(command: Command): Command {
  return command
    .description('print an invite token for a machine that shall join')
    .option('--expires <DURATION>', 'how long it is good, at most 90d', '24h')
    .option('--uses <N>', 'how many machines may join with it', '1')
    .option('--role <ROLE>', 'member or operator', 'member')
    .option(
      '--recovery-file <F>',
      'for operators: the file with the authority\'s key, from "fleet init --recovery-out"',
    )
    .option('--passphrase-file <F>', 'read its passphrase from F, or from standard input with - (default: ask)')
    .option('--ticket <ASSOCIATION>', 'for one machine that is installed anew: an association in place, or the machine')
    .option('--ticket-batch <FILE>', 'a ticket for each machine or association in FILE, one a line')
    .option('--out <DIR>', 'where a batch goes: one file a machine, NAME.ticket')
    .option('--code', 'show a short code for one machine that joins now, instead of a token')
    .option('--interface <NAME>', 'with --code: a network interface to use; may be repeated', collect)
    .option('--listen <MULTIADDR>', 'with --code: an address to listen at; may be repeated', collect)
    .addHelpText(
      'after',
      `
Examples:
  resettle fleet invite > invite
  resettle fleet invite --code
  resettle fleet invite --ticket ann-laptop > ann-laptop.ticket
  resettle fleet invite --ticket-batch machines.txt --out tickets --expires 7d
  resettle fleet invite --uses 20 --expires 7d > invite
  resettle fleet invite --role operator --recovery-file office-recovery.age > invite`,
    );
}

interface InviteFlags extends InviteByCodeFlags {
  code?: boolean;
}

export async function runInvite(context: Context, flags: InviteFlags): Promise<void> {
  const { ticket, ticketBatch, out } = flags;
  if (flags.code) return await inviteByCode(context, flags);
  if (ticket !== undefined || ticketBatch !== undefined) {
    checkTicketFlags(flags);
    if (ticket !== undefined) return await runTicket(context, ticket, flags.expires);
    return await runTicketBatch(context, resolve(ticketBatch!), resolve(out!), flags.expires);
  }
  if (out !== undefined) throw new ResettleError('usage', '--out goes with --ticket-batch FILE');
  if (flags.role !== 'member' && flags.role !== 'operator') {
    throw new ResettleError('usage', `--role is member or operator, not ${flags.role}`);
  }
  if (flags.recoveryFile !== undefined && flags.role !== 'operator') {
    throw new ResettleError('usage', '--recovery-file goes with --role operator');
  }
  const recovery = await recoveryOf(flags);
  const done = await callAgentOrHere(context, 'fleetInvite', {
    expiresMs: parseDurationMs(flags.expires),
    uses: Number(flags.uses),
    role: flags.role,
    ...recovery,
  });
  context.output.message(`Good until ${String(done.expiresAt)}. Whoever has it can join: hand it over with care.`);
  context.output.done(done, [String(done.token)]);
}

function checkTicketFlags(flags: InviteFlags): void {
  if (flags.ticket !== undefined && flags.ticketBatch !== undefined) {
    throw new ResettleError('usage', 'give either --ticket or --ticket-batch');
  }
  if ((flags.ticketBatch !== undefined) !== (flags.out !== undefined)) {
    throw new ResettleError('usage', '--ticket-batch FILE and --out DIR go together');
  }
  if (flags.uses !== '1' || flags.role !== 'member' || flags.recoveryFile !== undefined) {
    throw new ResettleError(
      'usage',
      'a ticket lets one member in: --uses, --role and --recovery-file do not go with it',
    );
  }
}

export function describeJoin(command: Command): Command {
  return command
    .description('join a fleet with an invite token')
    .argument('[-]', 'read the token from standard input')
    .option('--token-file <F>', 'read the token from F (default: ask)')
    .option('--code [CODE]', 'by the code that "resettle fleet invite --code" shows; asked for where it is not given')
    .option('--interface <NAME>', 'with --code: a network interface to use; may be repeated', collect)
    .option('--peer <MULTIADDR>', 'with --code: where the machine is that shows it')
    .option('--accept-operators', "this machine takes orders of the fleet's operators (default: ask; else no)")
    .addHelpText(
      'after',
      `
Examples:
  resettle fleet join --token-file invite
  resettle fleet join - < invite
  resettle fleet join --code`,
    );
}

interface JoinFlags {
  tokenFile?: string;
  acceptOperators?: boolean;
  code?: string | true;
  interface?: string[];
  peer?: string;
}

export async function runJoin(context: Context, from: string | undefined, flags: JoinFlags): Promise<void> {
  if (from !== undefined && from !== '-') {
    throw new ResettleError('usage', 'a token never stands on the command line, where every user can read it', {
      hint: 'use "fleet join -" or "fleet join --token-file F"',
    });
  }
  if (from === '-' && flags.tokenFile !== undefined)
    throw new ResettleError('usage', 'give either - or --token-file F');
  if (flags.code !== undefined && (from !== undefined || flags.tokenFile !== undefined)) {
    throw new ResettleError('usage', '--code does not go with a token');
  }
  const token =
    flags.code === undefined
      ? await readSecret('invite token', from ?? flags.tokenFile)
      : await tokenOfCode(context, flags.code, flags);
  const acceptOperators = flags.acceptOperators ?? (await askConsent(context));
  const done = await callAgentOrHere(context, 'fleetJoin', { token, acceptOperators });
  if (done.association !== undefined) {
    context.output.message('This was a ticket: "resettle restore" brings back what this machine had.');
  }
  if (done.admitted === true) {
    context.output.done(done, [`member of ${String(done.fleetName)}`]);
    return;
  }
  context.output.message(String(done.waitingFor));
  context.output.done(done, [`will join ${String(done.fleetName)}`]);
}

export function describeRevoke(command: Command): Command {
  return command
    .description('end the membership of a machine for ever')
    .argument('<MACHINE>', 'its name, or the beginning of its peer id')
    .option(
      '--recovery-file <F>',
      'for operators: the file with the authority\'s key, from "fleet init --recovery-out"',
    )
    .option('--passphrase-file <F>', 'read its passphrase from F, or from standard input with - (default: ask)')
    .addHelpText(
      'after',
      `
What it signed before stays valid: states that it captured can still be restored. It gets nothing any more. A machine that was
revoked by mistake joins anew with another HOME.

Examples:
  resettle fleet revoke old-laptop
  resettle fleet revoke old-nas --recovery-file office-recovery.age`,
    );
}

export async function runRevoke(
  context: Context,
  machine: string,
  flags: { recoveryFile?: string; passphraseFile?: string },
): Promise<void> {
  const done = await callAgentOrHere(context, 'fleetRevoke', { machine, ...(await recoveryOf(flags)) });
  context.output.message(`${String(done.machineName)} is no longer a member.`);
  context.output.done(done, [`revoked ${String(done.peerId)}`]);
}

/** The recovery file that was named, with its passphrase. */
async function recoveryOf(flags: {
  recoveryFile?: string;
  passphraseFile?: string;
}): Promise<{ recovery?: { file: string; passphrase: string } }> {
  if (flags.passphraseFile !== undefined && flags.recoveryFile === undefined) {
    throw new ResettleError('usage', '--passphrase-file goes with --recovery-file F');
  }
  if (flags.recoveryFile === undefined) return {};
  const passphrase = await readSecret('passphrase', flags.passphraseFile);
  return { recovery: { file: resolve(flags.recoveryFile), passphrase } };
}

/** Consent is never assumed: who is not asked has not given it. */
async function askConsent(context: Context): Promise<boolean> {
  if (!context.mayAsk || context.yes) return false;
  const answer = await prompt(
    "Shall this machine take orders of the fleet's operators (which states are captured here, and for whom)? [y/N] ",
  );
  return /^y(es)?$/i.test(answer);
}

export function describeConsent(command: Command): Command {
  return command
    .description("say whether this machine takes orders of the fleet's operators")
    .argument('<yes|no>', 'yes: operators may associate its states and start captures')
    .addHelpText('after', '\nExamples:\n  resettle fleet consent yes\n  resettle fleet consent no');
}

export async function runConsent(context: Context, answer: string): Promise<void> {
  if (answer !== 'yes' && answer !== 'no') throw new ResettleError('usage', 'say yes or no');
  const done = await callAgentOrHere(context, 'fleetConsent', { acceptOperators: answer === 'yes' });
  context.output.done(done, [
    done.acceptOperators === true
      ? `this machine takes orders of the operators of ${String(done.fleetName)}`
      : 'this machine takes no orders: what operators associated for it does not count',
  ]);
}

export function describeMembers(command: Command): Command {
  return command.description("list the fleet's machines").addHelpText('after', '\nExample:\n  resettle fleet members');
}

export async function runMembers(context: Context): Promise<void> {
  const done = await callAgentOrHere(context, 'members', {});
  const members = done.members as Record<string, unknown>[];
  context.output.done(
    done,
    table(
      ['NAME', 'PEER ID', 'ROLE', 'STATUS', 'POINT', 'TAKES ORDERS'],
      members.map((one) => [
        one.name,
        one.peerId,
        one.role,
        one.status,
        one.point ? 'yes' : '',
        one.acceptsOperators ? 'yes' : '',
      ]),
    ),
  );
}
