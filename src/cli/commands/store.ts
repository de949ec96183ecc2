import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { StoreGround } from '../../api/store-service.ts';
import { systemClock } from '../../common/clock.ts';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes, parseDurationMs } from '../../common/sizes.ts';
import { type Context, callAgentOrHere } from '../context.ts';
import { entryEvent, entryLine, storeLine } from '../entry-lines.ts';
import { readSecret } from '../secrets.ts';
import { secretsOf } from './restore.ts';

interface KeyFlags {
  passphraseFile?: string;
  recoveryFile?: string;
}

interface StateFlags extends KeyFlags {
  state?: string;
}

interface SnapshotFlags extends StateFlags {
  snapshot?: string;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

const withState = (command: Command): Command =>
  command.argument('<DIR>', 'the folder of the store').option('--state <ID>', 'this state only');

const withKeyOptions = (command: Command): Command =>
  command
    .option('--passphrase-file <F>', 'the passphrase of the state, from F, or from standard input with -')
    .option('--recovery-file <F>', "the fleet's recovery file; --passphrase-file then opens it");

const KEY_HELP = `
Without one of these two the keys of this machine's HOME are tried, if there are any.`;

export function describeStoreList(command: Command): Command {
  return withKeyOptions(withState(command))
    .description('list the states and snapshots of a store, or what is in a snapshot')
    .option('--snapshot <N>', 'list what is in this snapshot; needs a key')
    .addHelpText(
      'after',
      `${KEY_HELP} Without a key, what is sealed stays unsaid:
names, times and numbers of files.

Examples:
  resettle store ls /srv/states
  resettle store ls /media/usb/resettle --snapshot 2 --passphrase-file passphrase`,
    );
}

export function describeStoreVerify(command: Command): Command {
  return withKeyOptions(withState(command))
    .description('check every pack of a store; with a key, every file')
    .addHelpText(
      'after',
      `${KEY_HELP} Ends with 7 where something is damaged; all of it is named.

Examples:
  resettle store verify /srv/states
  resettle store verify /media/usb/resettle --passphrase-file passphrase`,
    );
}

export function describeStoreExtract(command: Command): Command {
  return withKeyOptions(withState(command))
    .description('restore single PATHs from a store')
    .argument('<PATH...>', 'as "store ls DIR --snapshot N" lists it; a folder with all that is in it')
    .requiredOption('--into <DIR>', 'put them below DIR: /home/ann/x becomes DIR/home/ann/x')
    .option('--snapshot <N>', 'from this snapshot (default: the newest)')
    .option('--from <MACHINE>', 'the machine whose state it shall be')
    .addHelpText(
      'after',
      `${KEY_HELP}

Example:
  resettle store extract /media/usb/resettle /home/ann/letters --into /tmp/letters --passphrase-file passphrase`,
    );
}

export function describeStoreExport(command: Command): Command {
  return withKeyOptions(withState(command))
    .description('write a snapshot as tar.zst.age, which age, zstd and tar open without this program')
    .option('--snapshot <N>', 'this snapshot (default: the newest)')
    .requiredOption('--out <FILE>', 'a new file, or - for standard output')
    .option('--recipient <AGE1>', 'who shall be able to open it: an age recipient; may be repeated', collect)
    .addOption(
      new Option('--passphrase-out-file <F>', 'or: whoever knows this passphrase, from F').conflicts('recipient'),
    )
    .addHelpText(
      'after',
      `${KEY_HELP}

Examples:
  resettle store export /media/usb/resettle --passphrase-file passphrase --recipient age1… --out ann.tar.zst.age
  age -d -i key.txt ann.tar.zst.age | zstd -d | tar -x --xattrs --xattrs-include='*' --acls --numeric-owner -p -C DIR`,
    );
}

export function describeStorePrune(command: Command): Command {
  return withState(command)
    .description('drop old snapshots of a store, and packs that nothing refers to; needs no key')
    .option('--keep-last <N>', 'keep the N newest snapshots of each state')
    .option('--keep-within <DURATION>', 'keep snapshots whose files are not older, such as 90d')
    .option('--dry-run', 'say what would be dropped, and drop nothing')
    .addHelpText(
      'after',
      `
A snapshot stays if either option keeps it; the newest one always stays. With neither, only packs that no snapshot refers
to are dropped. The store must not be in use by an agent.

Examples:
  resettle store prune /srv/states
  resettle store prune /srv/states --keep-last 5 --keep-within 90d --dry-run`,
    );
}

export async function runStoreList(context: Context, dir: string, flags: SnapshotFlags): Promise<void> {
  const reader = new AbortController();
  process.stdout.on('error', (error) => reader.abort(error));
  const signal = AbortSignal.any([context.signal, reader.signal]);
  try {
    context.output.done(await list({ ...context, signal }, dir, flags), []);
  } catch (error) {
    // `store ls … | head` closes the pipe when it has enough.
    if ((reader.signal.reason as NodeJS.ErrnoException | undefined)?.code !== 'EPIPE') throw error;
  }
}

async function list(context: Context, dir: string, flags: SnapshotFlags): Promise<Record<string, unknown>> {
  const { output } = context;
  const { listSnapshot, listStore } = await import('../../api/store-service.ts');
  const request = { ...stateOf(dir, flags), ...(await secretsOf(flags)) };
  const ground = groundOf(context, storeLine);
  if (flags.snapshot === undefined) return listStore(ground, request);
  return listSnapshot(ground, { ...request, ...snapshotOf(flags) }, (entry) => {
    if (output.json) output.event(entryEvent(entry));
    else process.stdout.write(`${entryLine(entry)}\n`);
  });
}

export async function runStoreVerify(context: Context, dir: string, flags: StateFlags): Promise<void> {
  const { verifyStore } = await import('../../api/store-service.ts');
  const request = { ...stateOf(dir, flags), ...(await secretsOf(flags)) };
  const done = await verifyStore(groundOf(context, storeLine), request);
  const { packs, packBytes, files, snapshots, unreferencedPacks, unreferencedBytes, opened, states } = done;
  context.output.done(done, [
    `whole: ${packs} packs, ${formatBytes(Number(packBytes))}, of ${snapshots} snapshots of ${states} states` +
      (Number(opened) > 0 ? `; ${files} files opened and compared` : ''),
    ...(Number(unreferencedPacks) > 0
      ? [`${unreferencedPacks} packs, ${formatBytes(Number(unreferencedBytes))}, are referred to by no snapshot`]
      : []),
  ]);
}

/** Returns the exit status: 3 where items were withheld. */
export async function runStoreExtract(
  context: Context,
  dir: string,
  paths: readonly string[],
  flags: SnapshotFlags & { into: string; from?: string },
): Promise<number> {
  const done = await callAgentOrHere(context, 'restoreFolder', {
    ...stateOf(dir, flags),
    ...snapshotOf(flags),
    ...(await secretsOf(flags)),
    ...(flags.from === undefined ? {} : { from: flags.from }),
    into: resolve(flags.into),
    only: [...paths],
    strip: false,
    root: false,
    allowPrivileged: false,
    mapUsers: [],
    dryRun: false,
  });
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, every one checked against its hash`,
  );
  context.output.done(done, [`restore ${String(done.restore)}`, `into ${String(done.into)}`]);
  return Number(done.skipped) > 0 ? 3 : 0;
}

export async function runStoreExport(
  context: Context,
  dir: string,
  flags: SnapshotFlags & { out: string; recipient?: string[]; passphraseOutFile?: string },
): Promise<void> {
  const toStream = flags.out === '-';
  if (toStream && context.output.json) {
    throw new ResettleError('usage', '--json and --out - both want standard output', { hint: 'give --out FILE' });
  }
  if (toStream && process.stdout.isTTY) {
    throw new ResettleError('usage', 'the archive would go to the terminal', { hint: 'give --out FILE, or a pipe' });
  }
  const { exportFromStore } = await import('../../api/store-service.ts');
  const done = await exportFromStore(groundOf(context), {
    ...stateOf(dir, flags),
    ...snapshotOf(flags),
    ...(await secretsOf(flags)),
    readers: await readersOf(flags),
    out: toStream ? process.stdout : resolve(flags.out),
  });
  context.output.message(
    `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, of ${String(done.machineName)} ` +
      `in ${formatBytes(Number(done.writtenBytes))}`,
  );
  context.output.done(done, toStream ? [] : [`out ${String(done.out)}`]);
}

async function readersOf(flags: {
  recipient?: string[];
  passphraseOutFile?: string;
}): Promise<{ recipients: string[] } | { passphrase: string }> {
  if (flags.recipient) return { recipients: flags.recipient };
  if (flags.passphraseOutFile !== undefined) {
    return { passphrase: await readSecret('passphrase of the archive', flags.passphraseOutFile) };
  }
  throw new ResettleError('usage', 'nobody was named who shall be able to open the archive', {
    hint: 'give --recipient age1…, or --passphrase-out-file F',
  });
}

export async function runStorePrune(
  context: Context,
  dir: string,
  flags: { state?: string; keepLast?: string; keepWithin?: string; dryRun?: boolean },
): Promise<void> {
  const { pruneStore } = await import('../../api/store-service.ts');
  const done = await pruneStore(groundOf(context, storeLine), {
    ...stateOf(dir, flags),
    retention: {
      last: flags.keepLast === undefined ? undefined : countOf('--keep-last', flags.keepLast),
      withinMs: flags.keepWithin === undefined ? undefined : parseDurationMs(flags.keepWithin),
    },
    dryRun: flags.dryRun === true,
  });
  const amount = `${done.snapshots} snapshots, ${done.packs} packs, ${formatBytes(Number(done.freedBytes))}`;
  context.output.done(done, [done.dryRun ? `would free: ${amount}` : `freed: ${amount}`]);
}

function stateOf(dir: string, { state }: { state?: string }): { dir: string; state?: string } {
  return { dir: resolve(dir), ...(state === undefined ? {} : { state }) };
}

function snapshotOf({ snapshot }: { snapshot?: string }): { snapshot?: number } {
  return snapshot === undefined ? {} : { snapshot: countOf('--snapshot', snapshot) };
}

function countOf(option: string, text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new ResettleError('usage', `${option} is a whole number from 1, not ${text}`);
}

/** Events that `lineOf` has a line for are part of the result. */
function groundOf(
  context: Context,
  lineOf: (event: { readonly event: string }) => string | undefined = () => undefined,
): StoreGround {
  const { output, homeDir, signal } = context;
  return {
    homeDir,
    signal,
    clock: systemClock,
    emit: (event) => {
      const line = output.json ? undefined : lineOf(event);
      if (line === undefined) output.event(event);
      else process.stdout.write(`${line}\n`);
    },
  };
}
