import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApiEvent } from '../../api/contract.ts';
import { showCode } from '../code.ts';
import type { Context } from '../context.ts';
import { count, tellMoved } from '../moved-lines.ts';

interface SendFlags {
  areas?: string;
  interface?: string[];
  listen?: string[];
  new?: boolean;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function describeSend(command: Command): Command {
  return command
    .description('send this machine, or PATHs of it, to another one by a code; no fleet and no agent are needed')
    .argument('[PATH...]', 'what to send, whole; without any: what was begun and is not finished, else every area')
    .option('--areas <LIST>', 'kinds of system state, with commas, or all: see docs/AREAS.md')
    .option('--interface <NAME>', 'a network interface to use (default: cables and radios); may be repeated', collect)
    .option('--listen <MULTIADDR>', 'an address to listen at, such as /ip4/192.168.1.20/tcp/24717', collect)
    .option('--new', 'begin anew, though the same PATHs were begun and are not finished')
    .addHelpText(
      'after',
      `
It shows a code and waits. Type the code at the other machine, with "resettle receive", within ten minutes.
If the cable breaks, an address changes or either side is ended, the same command goes on where it was, within 24 hours
and without a new code.

Examples:
  resettle send
  resettle send /home/ann
  resettle send --areas accounts,homes,printers
  resettle send /home/ann /etc/cups --interface eth0`,
    );
}

/** Returns the exit status: 3 where items were left out, or need a person at the other machine. */
export async function runSend(context: Context, paths: readonly string[], flags: SendFlags): Promise<number> {
  const { sendState } = await import('../../api/pairing-service.ts');
  const done = await sendState({
    homeDir: context.homeDir,
    interfaces: flags.interface ?? [],
    verbose: context.verbose,
    signal: context.signal,
    paths: paths.map((path) => resolve(path)),
    areas: flags.areas?.split(',').filter((name) => name !== '') ?? [],
    listen: flags.listen ?? [],
    isNew: flags.new === true,
    emit: (event) => tell(context, event),
  });
  const name = String(done.machineName);
  tellMoved(context, done, `sent to ${name}`, `${name} says that it verified every file's hash.`);
  context.output.done(done, [`state ${String(done.state)}`]);
  return Number(done.skipped) > 0 ? 3 : 0;
}

function tell(context: Context, event: ApiEvent): void {
  const { output } = context;
  if (output.json) {
    output.event(event);
  } else if (event.event === 'offer') {
    output.message(`${count(event)} to send.`);
  } else if (event.event === 'code') {
    showCode(context, event, 'resettle receive');
  } else if (event.event === 'attempt') {
    output.message(`${String(event.message)}.`);
  } else if (event.event === 'paired') {
    output.message(
      `Paired with ${String(event.machineName)} (${String(event.system)}, user ${String(event.user)}). ` +
        'Waiting for the yes of the person there.',
    );
  } else {
    output.event(event);
  }
}
