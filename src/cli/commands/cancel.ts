import type { Command } from 'commander';
import { type Context, callAgent } from '../context.ts';

export function describeCancel(command: Command): Command {
  return command
    .description('stop a capture of this machine; what it has sent stays for another one to go on with')
    .argument('<ID>', "the beginning of its association's id, 4 digits at least")
    .addHelpText(
      'after',
      `
It ends a capture that goes on by itself (capture --detach, or one that an operator started), and one that somebody waits
for. What it had reserved is given back. "resettle status" shows what runs.

Examples:
  resettle cancel 3f9c2a71`,
    );
}

export async function runCancel(context: Context, id: string): Promise<void> {
  const done = await callAgent(context, 'cancel', { id });
  context.output.message('The capture is cancelled. The same capture command goes on with what the points have.');
  context.output.done(done, [`association ${String(done.association)}`]);
}
