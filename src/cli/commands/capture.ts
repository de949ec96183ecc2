import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes, parseDurationMs } from '../../common/sizes.ts';
import { type Context, callAgent, callAgentOrHere } from '../context.ts';
import { readNewSecret, readSecret } from '../secrets.ts';

interface CaptureFlags {
  for?: string;
  areas?: string;
  root?: string;
  points?: string;
  replicas?: string;
  detach?: boolean;
  wait?: string;
  store?: string;
  passphraseFile?: string;
}

type Done = Record<string, unknown>;

export function describeCapture(command: Command): Command {
  return command
    .description('capture this machine, or PATHs of it, to a point or to a store in a folder')
    .argument('[PATH...]', 'what to capture, whole; without any: what the association says, else every area')
    .option('--areas <LIST>', 'kinds of system state, with commas, or all: see docs/AREAS.md')
    .option('--root <DIR>', 'DIR is the root of the machine to capture: a mounted disk, an unpacked system')
    .option(
      '--for <MACHINE>',
      'who shall have the state: a name, the beginning of a peer id, this machine itself, or an association',
    )
    .option('--points <LIST>', 'auto, or the points to use in order of preference, with commas')
    .option('--replicas <N>', 'copies on distinct machines')
    .option('--detach', 'return at once; the agent goes on by itself until it is done or cancelled')
    .option(
      '--wait <DURATION>',
      'how long to wait for what "safe to wipe" needs from other machines, 0s for not at all',
    )
    .option('--store <DIR>', 'capture to a store in this folder, such as a removable disk; no agent is needed')
    .option(
      '--passphrase-file <F>',
      'with --store: whoever knows the passphrase can open it; F, or - for standard input',
    )
    .addHelpText(
      'after',
      `
To a point the state is for one machine of the fleet: by the association that there is for it, else by a new one. A point
that refuses, goes away or stalls is waited for, and then left for the next; where none can take it alone, several do.
"Safe to wipe" is said when every copy was read back and the key was tried where it is needed, else what is missing.
Ctrl-C pauses; the same command goes on. To a folder it is for whoever knows the passphrase, for MACHINE,
and for the fleet's recovery key if it has one.

Examples:
  resettle capture /home/ann --for new-laptop
  resettle capture /home/ann --for new-laptop --points office-nas,den-nas --replicas 2
  resettle capture --for new-laptop
  resettle capture --areas accounts,homes,printers --for new-laptop
  resettle capture --root /mnt/old-disk --store /media/usb/resettle --passphrase-file passphrase
  resettle capture /home/ann --for new-laptop --detach
  resettle capture /home/ann --store /media/usb/resettle --passphrase-file passphrase
  resettle capture /home/ann --store /media/usb/resettle --for new-laptop`,
    );
}

/** Returns the exit status: 3 where items were left out, or copies are still to come. */
export async function runCapture(context: Context, paths: readonly string[], flags: CaptureFlags): Promise<number> {
  const whole = paths.map((path) => resolve(flags.root === undefined ? '.' : '/', path));
  if (flags.store === undefined) return await toPoint(context, whole, flags);
  const done = await toFolder(context, whole, { ...flags, store: resolve(flags.store) });
  return Number(done.skipped) > 0 ? 3 : 0;
}

async function toPoint(context: Context, paths: readonly string[], flags: CaptureFlags): Promise<number> {
  if (flags.passphraseFile !== undefined) {
    throw new ResettleError('usage', '--passphrase-file goes with --store DIR');
  }
  if (flags.for === undefined) {
    throw new ResettleError('usage', 'nobody was named who shall have the state', {
      hint: 'give --for MACHINE, or --store DIR for a folder',
    });
  }
  const done = await callAgent(context, 'capture', {
    ...scopeOf(paths, flags),
    for: flags.for,
    detach: flags.detach === true,
    ...(flags.points === undefined ? {} : { points: pointsOf(flags.points) }),
    ...(flags.replicas === undefined ? {} : { replicas: replicasOf(flags.replicas) }),
    ...(flags.wait === undefined ? {} : { waitMs: /^0+[smhd]?$/.test(flags.wait) ? 0 : parseDurationMs(flags.wait) }),
  });
  if (done.detached) {
    context.output.message(
      'The capture goes on in the agent. "resettle status" shows how far it is; "resettle cancel" ends it.',
    );
    context.output.done(done, [`association ${String(done.association)}`]);
    return 0;
  }
  tellStored(context, done);
  const receipts = Object.entries(done.receipt as Record<string, string>);
  context.output.done(done, [
    `state ${String(done.state)}`,
    `snapshot ${String(done.snapshot)}`,
    ...(done.points as { peerId: string }[]).map(({ peerId }) => `point ${peerId}`),
    ...receipts.map(([peerId, hash]) => `receipt ${peerId} ${hash}`),
  ]);
  return Number(done.skipped) > 0 || Number(done.copies) < Number(done.replicas) ? 3 : 0;
}

/** What is captured, as a request says it. */
export function scopeOf(paths: readonly string[], { areas, root }: Pick<CaptureFlags, 'areas' | 'root'>) {
  return {
    paths: [...paths],
    ...(areas === undefined ? {} : { areas: areas.split(',').filter((name) => name !== '') }),
    ...(root === undefined ? {} : { root: resolve(root) }),
  };
}

function pointsOf(text: string): string[] {
  return text === 'auto' ? [] : text.split(',').filter((name) => name !== '');
}

function replicasOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new ResettleError('usage', `not a number of copies: ${JSON.stringify(text)}`, { hint: 'such as --replicas 2' });
}

function tellStored(context: Context, done: Done): void {
  const points = (done.points as { name: string }[]).map(({ name }) => name);
  const skipped = Number(done.skipped);
  const missing = done.missing as readonly string[];
  const copies =
    Number(done.replicas) === 1
      ? ''
      : `, ${String(done.copies)} of ${String(done.replicas)} copies so far${Number(done.copies) < Number(done.replicas) ? '; the points go on' : ''}`;
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, captured` +
      `${done.machineName === null ? '' : ` for ${String(done.machineName)}`}; ` +
      `${points.length === 1 ? `${points[0]} holds them` : `${points.join(', ')} hold them together`} ` +
      `in ${formatBytes(Number(done.storedBytes))}, sealed and checked${copies}.`,
  );
  const left = skipped === 0 ? '' : ` ${skipped} items were left out, listed above: they are wiped with the machine.`;
  context.output.message(
    done.safe
      ? `Safe to wipe, as of ${new Date().toISOString()}, until ${String(done.safeUntil)}.${left}`
      : `Stored, not yet safe to wipe: ${missing.join('; ')}.${left}`,
  );
}

async function toFolder(
  context: Context,
  paths: readonly string[],
  flags: CaptureFlags & { readonly store: string },
): Promise<Done> {
  for (const option of ['points', 'replicas', 'detach', 'wait'] as const) {
    if (flags[option] !== undefined) throw new ResettleError('usage', `--${option} does not go with --store DIR`);
  }
  const request = {
    ...scopeOf(paths, flags),
    dir: flags.store,
    ...(flags.for === undefined ? {} : { for: flags.for }),
  };
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
      `which has them in ${formatBytes(Number(done.storedBytes))}, sealed; ${formatBytes(Number(done.newBytes))} are new` +
      `${Number(done.checkedBytes) > 0 ? ', and what was there was read again' : ''}. ` +
      'Stored, not yet safe to wipe: restore it and look first.',
  );
  context.output.done(done, [
    `state ${String(done.state)}`,
    `snapshot ${String(done.snapshot)}`,
    `store ${String(done.store)}`,
  ]);
  return done;
}
