import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgent } from '../context.ts';
import { prompt } from '../secrets.ts';

interface RestoreFlags {
  into?: string;
  strip?: boolean;
  from?: string;
  state?: string;
  snapshot?: string;
}

export function describeRestore(command: Command): Command {
  return command
    .description('restore the state that is held for this machine')
    .option('--into <DIR>', 'put what was captured below DIR, which must be empty or new')
    .option('--strip', 'with one PATH captured: put its contents straight into DIR')
    .option('--from <MACHINE>', 'the machine whose state it shall be')
    .option('--state <ID>', 'this state')
    .option('--snapshot <N>', 'this snapshot (default: the newest)')
    .addHelpText('after', '\nExample:\n  resettle restore --from old-laptop --into /srv/ann');
}

/** Returns the exit status: 3 where items were left out or withheld. */
export async function runRestore(context: Context, flags: RestoreFlags): Promise<number> {
  if (flags.into === undefined) {
    throw new ResettleError('not-built', 'restoring onto the machine itself is not built yet', {
      hint: 'name a folder with --into DIR',
    });
  }
  const snapshot = flags.snapshot === undefined ? undefined : Number(flags.snapshot);
  if (snapshot !== undefined && (!Number.isSafeInteger(snapshot) || snapshot < 1)) {
    throw new ResettleError('usage', `--snapshot is a whole number from 1, not ${flags.snapshot}`);
  }
  const request = {
    into: resolve(flags.into),
    strip: flags.strip === true,
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.state === undefined ? {} : { state: flags.state }),
    ...(snapshot === undefined ? {} : { snapshot }),
  };
  let done: Record<string, unknown>;
  try {
    done = await callAgent(context, 'restore', request);
  } catch (error) {
    const asked =
      error instanceof ResettleError && error.code === 'unconfirmed' && process.stdin.isTTY && !context.output.json;
    if (!asked) throw error;
    // --yes does not answer this: whose files come onto this machine is for a person to say.
    context.output.message(`${error.message}.`);
    const from = await prompt('Name the machine whose state you want, or press Enter to stop: ');
    if (from === '') throw error;
    done = await callAgent(context, 'restore', { ...request, from });
  }
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, restored from ${String(done.machineName)}, every one checked against its hash`,
  );
  context.output.done(done, [`restore ${String(done.restore)}`, `into ${String(done.into)}`]);
  return Number(done.skipped) > 0 ? 3 : 0;
}
