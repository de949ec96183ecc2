import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgent } from '../context.ts';

export function describeCapture(command: Command): Command {
  return command
    .description('capture PATHs of this machine to a point, for another machine of the fleet')
    .argument('[PATH...]', 'what to capture, whole')
    .requiredOption('--for <MACHINE>', 'who shall have the state: a name, or the beginning of a peer id')
    .option('--points <LIST>', 'auto, or the points to choose from, with commas', 'auto')
    .addHelpText('after', '\nExample:\n  resettle capture /home/ann --for new-laptop');
}

/** Returns the exit status: 3 where items were left out. */
export async function runCapture(
  context: Context,
  paths: readonly string[],
  flags: { for: string; points: string },
): Promise<number> {
  if (paths.length === 0) {
    throw new ResettleError('not-built', 'capturing by areas is not built yet', { hint: 'name the PATHs to capture' });
  }
  const done = await callAgent(context, 'capture', {
    paths: paths.map((path) => resolve(path)),
    for: flags.for,
    points: flags.points === 'auto' ? [] : flags.points.split(',').filter((name) => name !== ''),
  });
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, captured for ${String(done.machineName)}; ` +
      `${String(done.pointName)} holds them in ${formatBytes(Number(done.storedBytes))}, sealed and checked. ` +
      'Stored, not yet safe to wipe: restore it and look first.',
  );
  context.output.done(done, [
    `state ${String(done.state)}`,
    `snapshot ${String(done.snapshot)}`,
    `point ${String(done.point)}`,
  ]);
  return Number(done.skipped) > 0 ? 3 : 0;
}
