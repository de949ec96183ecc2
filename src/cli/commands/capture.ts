import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgent, callAgentOrHere } from '../context.ts';
import { readNewSecret, readSecret } from '../secrets.ts';

interface CaptureFlags {
  for?: string;
  points?: string;
  store?: string;
  passphraseFile?: string;
}

type Done = Record<string, unknown>;

export function describeCapture(command: Command): Command {
  return command
    .description('capture PATHs of this machine, to a point or to a store in a folder')
    .argument('[PATH...]', 'what to capture, whole')
    .option('--for <MACHINE>', 'who shall have the state: a name, or the beginning of a peer id')
    .option('--points <LIST>', 'auto, or the points to choose from, with commas (default: auto)')
    .option('--store <DIR>', 'capture to a store in this folder, such as a removable disk; no agent is needed')
    .option(
      '--passphrase-file <F>',
      'with --store: whoever knows the passphrase can open it; F, or - for standard input',
    )
    .addHelpText(
      'after',
      `
To a point the state is for one machine of the fleet. To a folder it is for whoever knows the passphrase, for MACHINE,
and for the fleet's recovery key if it has one.

Examples:
  resettle capture /home/ann --for new-laptop
  resettle capture /home/ann --for new-laptop --points office-nas
  resettle capture /home/ann --store /media/usb/resettle --passphrase-file passphrase
  resettle capture /home/ann --store /media/usb/resettle --for new-laptop`,
    );
}

/** Returns the exit status: 3 where items were left out. */
export async function runCapture(context: Context, paths: readonly string[], flags: CaptureFlags): Promise<number> {
  if (paths.length === 0) {
    throw new ResettleError('not-built', 'capturing by areas is not built yet', { hint: 'name the PATHs to capture' });
  }
  const whole = paths.map((path) => resolve(path));
  const done =
    flags.store === undefined
      ? await toPoint(context, whole, flags)
      : await toFolder(context, whole, { ...flags, store: resolve(flags.store) });
  return Number(done.skipped) > 0 ? 3 : 0;
}

async function toPoint(context: Context, paths: readonly string[], flags: CaptureFlags): Promise<Done> {
  if (flags.passphraseFile !== undefined) {
    throw new ResettleError('usage', '--passphrase-file goes with --store DIR');
  }
  if (flags.for === undefined) {
    throw new ResettleError('usage', 'nobody was named who shall have the state', {
      hint: 'give --for MACHINE, or --store DIR for a folder',
    });
  }
  const points = flags.points ?? 'auto';
  const done = await callAgent(context, 'capture', {
    paths: [...paths],
    for: flags.for,
    points: points === 'auto' ? [] : points.split(',').filter((name) => name !== ''),
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
  return done;
}

async function toFolder(
  context: Context,
  paths: readonly string[],
  flags: CaptureFlags & { readonly store: string },
): Promise<Done> {
  if (flags.points !== undefined) throw new ResettleError('usage', '--points does not go with --store DIR');
  const request = { paths: [...paths], dir: flags.store, ...(flags.for === undefined ? {} : { for: flags.for }) };
  const passphrase =
    flags.passphraseFile === undefined ? undefined : await readSecret('passphrase', flags.passphraseFile);
  const capture = (secret: string | undefined): Promise<Done> =>
    callAgentOrHere(context, 'captureFolder', { ...request, ...(secret === undefined ? {} : { passphrase: secret }) });
  let done: Done;
  try {
    done = await capture(passphrase);
  } catch (error) {
    if (!context.mayAsk || !(error instanceof ResettleError) || error.code !== 'unconfirmed') throw error;
    context.output.message(`${error.message}. A passphrase will do:`);
    done = await capture(await readNewSecret('passphrase'));
  }
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, captured to ${String(done.store)}, ` +
      `which has them in ${formatBytes(Number(done.storedBytes))}, sealed; ${formatBytes(Number(done.newBytes))} are new. ` +
      'Stored, not yet safe to wipe: restore it and look first.',
  );
  context.output.done(done, [
    `state ${String(done.state)}`,
    `snapshot ${String(done.snapshot)}`,
    `store ${String(done.store)}`,
  ]);
  return done;
}
