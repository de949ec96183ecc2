import { Command, CommanderError } from 'commander';
import { exitCodeOf, hintOf, messageOf, ResettleError } from '../common/errors.ts';
import { describeAgent, runAgentCommand } from './commands/agent.ts';
import {
  describeAssociate,
  describeAssociations,
  describeAssociationsDelete,
  runAssociate,
  runAssociations,
  runAssociationsDelete,
} from './commands/associate.ts';
import { describeCancel, runCancel } from './commands/cancel.ts';
import { describeCapture, runCapture } from './commands/capture.ts';
import { describeChecklist, runChecklist } from './commands/checklist.ts';
import { describeDoctor, runDoctor } from './commands/doctor.ts';
import {
  describeConsent,
  describeInit,
  describeInvite,
  describeJoin,
  describeMembers,
  describeRevoke,
  runConsent,
  runInit,
  runInvite,
  runJoin,
  runMembers,
  runRevoke,
} from './commands/fleet.ts';
import { describePeers, describePoints, describeStatus, runPeers, runPoints, runStatus } from './commands/look.ts';
import { describePlan, runPlan } from './commands/plan.ts';
import { describeReceive, runReceive } from './commands/receive.ts';
import { describeRestore, runRestore } from './commands/restore.ts';
import { describeSend, runSend } from './commands/send.ts';
import {
  describeStoreExport,
  describeStoreExtract,
  describeStoreList,
  describeStorePrune,
  describeStoreVerify,
  runStoreExport,
  runStoreExtract,
  runStoreList,
  runStorePrune,
  runStoreVerify,
} from './commands/store.ts';
import { describeUndo, runUndo } from './commands/undo.ts';
import { type Context, contextOf, withCommonOptions } from './context.ts';
import { Output } from './output.ts';

const USAGE_EXIT = 2;

type Run = (context: Context, ...rest: never[]) => Promise<unknown>;

function program(signal: AbortSignal, finish: (status: number) => void): Command {
  const root = withCommonOptions(new Command('resettle'))
    .description(
      "Moves a person's working state from one computer to its successor over the local network, with no server.",
    )
    .version('0.1.0')
    .showHelpAfterError('(add --help for what there is)');

  const add = (parent: Command, name: string, describe: (command: Command) => Command, run: Run): void => {
    const command = withCommonOptions(describe(parent.command(name)));
    command.action(async (...given: unknown[]) => {
      // Commander hands over arguments, options, and the command itself.
      const context = contextOf(command, signal);
      const status = await run(context, ...(given.slice(0, -1) as never[]));
      finish(typeof status === 'number' ? status : 0);
    });
  };
  add(root, 'agent', describeAgent, runAgentCommand);
  const fleet = root.command('fleet').description('make a fleet of machines, and let machines join it');
  add(fleet, 'init', describeInit, runInit);
  add(fleet, 'invite', describeInvite, runInvite);
  add(fleet, 'join', describeJoin, runJoin);
  add(fleet, 'members', describeMembers, runMembers);
  add(fleet, 'revoke', describeRevoke, runRevoke);
  add(fleet, 'consent', describeConsent, runConsent);
  add(root, 'peers', describePeers, runPeers);
  add(root, 'points', describePoints, runPoints);
  add(root, 'status', describeStatus, runStatus);
  add(root, 'associate', describeAssociate, runAssociate);
  const associations = withCommonOptions(describeAssociations(root.command('associations')));
  associations.action(async () => runAssociations(contextOf(associations, signal)));
  add(associations, 'delete', describeAssociationsDelete, runAssociationsDelete);
  add(root, 'doctor', describeDoctor, runDoctor);
  add(root, 'capture', describeCapture, runCapture);
  add(root, 'cancel', describeCancel, runCancel);
  add(root, 'restore', describeRestore, runRestore);
  add(root, 'undo', describeUndo, runUndo);
  add(root, 'plan', describePlan, runPlan);
  add(root, 'checklist', describeChecklist, runChecklist);
  add(root, 'send', describeSend, runSend);
  add(root, 'receive', describeReceive, runReceive);
  const store = root.command('store').description('look after a store in a folder, without an agent');
  add(store, 'ls', describeStoreList, runStoreList);
  add(store, 'verify', describeStoreVerify, runStoreVerify);
  add(store, 'extract', describeStoreExtract, runStoreExtract);
  add(store, 'export', describeStoreExport, runStoreExport);
  add(store, 'prune', describeStorePrune, runStorePrune);
  return root;
}

/** What commander says of a command line that it does not understand. */
function usageMessage(error: CommanderError): string {
  if (error.code === 'commander.help') return 'no command was given';
  return error.message.replace(/^error: /, '');
}

/** Options of a bare command line, for errors that come before commander has understood it. */
const wants = (argv: readonly string[], option: string): boolean => argv.includes(option);

async function main(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new ResettleError('interrupted', 'interrupted', { hint: 'run the same command again' }));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  let status = 0;
  const root = program(stop.signal, (code) => {
    status = code;
  });
  const json = wants(argv, '--json');
  root.configureOutput({ writeErr: (text) => void (json || process.stderr.write(text)) });
  const prepare = (command: Command): void => {
    command.exitOverride();
    command.configureOutput({ writeErr: (text) => void (json || process.stderr.write(text)) });
    command.commands.forEach(prepare);
  };
  prepare(root);
  try {
    await root.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (json) {
        const message = usageMessage(error);
        const hint = 'add --help for what there is';
        new Output({ json, quiet: false }).error({ event: 'error', code: 'usage', message, hint }, false);
      }
      return USAGE_EXIT;
    }
    const known = error instanceof ResettleError ? error : undefined;
    new Output({ json, quiet: false }).error(
      {
        event: 'error',
        code: known?.code ?? 'failed',
        message: messageOf(error),
        hint: hintOf(error),
        ...(error instanceof Error ? { stack: error.stack } : {}),
      },
      wants(argv, '--verbose'),
    );
    return exitCodeOf(error);
  }
}

const given = process.argv.slice(2);
// A code may stand among the arguments, where every user of this machine could read it for as long as this runs.
if (given.some((argument) => argument === 'receive' || argument.startsWith('--code'))) process.title = 'resettle';
// Who reads no further ends no work: a restore goes on to its end.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
await leave(await main(given));

/** Everything is closed by now; what libraries still wait for (libp2p has timers of a second) keeps nobody. */
async function leave(status: number): Promise<void> {
  const said = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise((resolve) => stream.write('', () => resolve()));
  await Promise.all([said(process.stdout), said(process.stderr)]);
  process.exit(status);
}
