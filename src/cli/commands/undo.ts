import type { Command } from 'commander';
import { type Context, callAgentOrHere } from '../context.ts';

export function describeUndo(command: Command): Command {
  return command
    .description('put back what a restore replaced, and remove what it added')
    .argument('[RESTORE]', 'the id that the restore printed (default: the newest one)')
    .addHelpText(
      'after',
      `
What was changed since the restore stays as it is, and is listed (exit 3).
Given again, it says that the newest restore was undone, and changes nothing: the one
before is undone by its id.

Examples:
  resettle undo
  resettle undo 20260131-235959123-0a1b2c3d`,
    );
}

/** Returns the exit status: 3 where something was changed since and stays. */
export async function runUndo(context: Context, restore: string | undefined): Promise<number> {
  const done = await callAgentOrHere(context, 'undo', restore === undefined ? {} : { restore });
  const { restore: id, into } = done;
  if (done.wasUndone === true) {
    context.output.message(`restore ${id} into ${into} was undone already, at ${done.undoneAt}: nothing was changed`);
  } else
    context.output.message(
      `${String(done.removed)} items removed, ${String(done.putBack)} put back, ${String(done.skipped)} kept, in ${String(done.into)}`,
    );
  context.output.done(done, [`restore ${String(done.restore)}`]);
  return Number(done.skipped) > 0 ? 3 : 0;
}
