import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RequestOf } from '../../api/contract.ts';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgent, callAgentOrHere } from '../context.ts';
import { prompt, readSecret } from '../secrets.ts';

interface RestoreFlags {
  into?: string;
  strip?: boolean;
  root?: string;
  onConflict?: string;
  allowPrivileged?: boolean;
  mapUser?: string[];
  dryRun?: boolean;
  identity?: string;
  areas?: string;
  recoveryCodeFile?: string;
  from?: string;
  state?: string;
  snapshot?: string;
  store?: string;
  passphraseFile?: string;
  recoveryFile?: string;
}

type Done = Record<string, unknown>;
type Wish = RequestOf<'restore'>;
type Secrets = Pick<RequestOf<'restoreFolder'>, 'passphrase' | 'recovery'>;
type PointSecrets = Pick<Wish, 'recovery' | 'recoveryCode'>;

const POLICIES = ['keep-both', 'skip', 'replace', 'newer'] as const;

const IDENTITIES = ['same', 'new'] as const;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function describeRestore(command: Command): Command {
  return command
    .description('restore the state that is held for this machine, or one from a store in a folder')
    .option('--into <DIR>', 'put what was captured below DIR: /home/ann becomes DIR/home/ann')
    .option('--strip', 'with --into and one PATH captured: put its contents straight into DIR')
    .option('--root <DIR>', 'DIR is the root of a machine: put everything in its place there (default: /, and it asks)')
    .option(
      '--on-conflict <POLICY>',
      `where something else is there: ${POLICIES.join(', ')} (default: keep-both, the restored one gets another name)`,
    )
    .option('--map-user <OLD=NEW>', "give what was OLD's to NEW; names or numbers, may be repeated", collect)
    .option(
      '--allow-privileged',
      'as root: what only root may bring too, such as sudo rules, services, setuid files; it is shown first',
    )
    .option('--dry-run', 'say what would be done with each item, and write nothing')
    .option('--from <MACHINE>', 'the machine whose state it shall be')
    .option('--state <ID>', 'this state')
    .option('--snapshot <N>', 'this snapshot (default: the newest)')
    .option('--store <DIR>', 'restore from the store in this folder; no agent is needed')
    .option('--recovery-file <F>', "open it with the fleet's recovery file, where this machine's key does not")
    .option('--recovery-code-file <F>', 'open it with the recovery code in F, or from standard input with -')
    .option(
      '--passphrase-file <F>',
      'of the recovery file, or with --store of the store: from F, or from standard input with -',
    )
    .option('--identity <WHICH>', 'same: this is the machine that was captured, reinstalled; new: it is another one')
    .option(
      '--areas <LIST>',
      'only these kinds of system state, with commas, or all; security and software need to be named',
    )
    .addHelpText(
      'after',
      `
What a restore replaced or added can be put back with "resettle undo".

Examples:
  resettle restore --from old-laptop --into /srv/ann
  resettle restore --from old-laptop --into /srv/ann --dry-run
  resettle restore --root /mnt/new-system --map-user ann=anna --on-conflict newer
  resettle restore --from old-laptop --dry-run
  resettle restore --from old-laptop --areas accounts,homes,printers --allow-privileged
  resettle restore --from old-laptop --recovery-file fleet.recovery --passphrase-file passphrase
  resettle restore --store /media/usb/resettle --passphrase-file passphrase --into /srv/ann`,
    );
}

/** Returns the exit status: 3 where items were left out or withheld. */
export async function runRestore(context: Context, flags: RestoreFlags): Promise<number> {
  const wish = wishOf(flags);
  if (wish.dryRun) context.output.shows = 'plan';
  if (flags.into === undefined && flags.root === undefined && !wish.dryRun) await confirmRoot(context);
  const done =
    flags.store === undefined ? await fromPoint(context, flags, wish) : await fromFolder(context, flags, wish);
  tell(context, done, wish.snapshot !== undefined);
  return exitOf(done);
}

/** 1 where an area was put back, or something is not there that should be; 3 where something was left out or needs a person. */
function exitOf(done: Done): number {
  const areas = done.areas as { failed: readonly string[]; checklist: { worst: string } | null } | null;
  if (areas && (areas.failed.length > 0 || areas.checklist?.worst === 'failed')) return 1;
  return Number(done.skipped) > 0 || areas?.checklist?.worst === 'person' ? 3 : 0;
}

function tell(context: Context, done: Done, wasNamed: boolean): void {
  const amount = `${String(done.files)} files, ${formatBytes(Number(done.bytes))}, from ${String(done.machineName)}`;
  if (done.dryRun === true) {
    context.output.message(`would be restored: ${amount}. Nothing was written.`);
    context.output.done(done, []);
    return;
  }
  const { keptBoth, skipped, replaced } = done.conflicts as Record<string, number>;
  const conflicts = keptBoth! + skipped! + replaced!;
  context.output.message(
    `restored: ${amount}, every one checked against its hash` +
      (conflicts > 0 ? `; conflicts: ${keptBoth} kept both, ${skipped} skipped, ${replaced} replaced` : ''),
  );
  if (done.confirmedNewest === false && !wasNamed) {
    context.output.message(
      'nobody else could say whether this is the newest snapshot: compare it with the old machine',
    );
  }
  context.output.done(done, [`restore ${String(done.restore)}`, `into ${String(done.into)}`]);
}

/** Nobody gets a machine overwritten by leaving out a word. */
async function confirmRoot(context: Context): Promise<void> {
  if (context.yes) return;
  const hint = 'name a folder with --into DIR, or say --yes';
  if (context.mayAsk) {
    const answer = await prompt('Restore everything to its place on this machine, beneath /? [y/N] ');
    if (/^y(es)?$/i.test(answer)) return;
  }
  throw new ResettleError('unconfirmed', 'restoring onto this machine itself, beneath /, needs a yes', { hint });
}

function wishOf(flags: RestoreFlags): Wish {
  if (flags.into !== undefined && flags.root !== undefined) {
    throw new ResettleError('usage', '--into and --root do not go together');
  }
  if (flags.strip && flags.into === undefined) throw new ResettleError('usage', '--strip goes with --into DIR');
  const onConflict = POLICIES.find((policy) => policy === flags.onConflict);
  if (flags.onConflict !== undefined && onConflict === undefined) {
    throw new ResettleError('usage', `--on-conflict is one of ${POLICIES.join(', ')}, not ${flags.onConflict}`);
  }
  const snapshot = flags.snapshot === undefined ? undefined : Number(flags.snapshot);
  if (snapshot !== undefined && (!Number.isSafeInteger(snapshot) || snapshot < 1)) {
    throw new ResettleError('usage', `--snapshot is a whole number from 1, not ${flags.snapshot}`);
  }
  const identity = IDENTITIES.find((one) => one === flags.identity);
  if (flags.identity !== undefined && identity === undefined) {
    throw new ResettleError('usage', `--identity is one of ${IDENTITIES.join(', ')}, not ${flags.identity}`);
  }
  return {
    into: resolve(flags.into ?? flags.root ?? '/'),
    strip: flags.strip === true,
    root: flags.into === undefined,
    allowPrivileged: flags.allowPrivileged === true,
    mapUsers: (flags.mapUser ?? []).map(mappingOf),
    dryRun: flags.dryRun === true,
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(identity === undefined ? {} : { identity }),
    ...(flags.areas === undefined ? {} : { areas: flags.areas.split(',').filter((name) => name !== '') }),
    ...(flags.from === undefined ? {} : { from: flags.from }),
    ...(flags.state === undefined ? {} : { state: flags.state }),
    ...(snapshot === undefined ? {} : { snapshot }),
  };
}

export function mappingOf(text: string): { from: string; to: string } {
  const [from, to, ...more] = text.split('=');
  if (!from || !to || more.length > 0) {
    throw new ResettleError('usage', `--map-user is OLD=NEW, not ${text}`, { hint: 'such as --map-user ann=anna' });
  }
  return { from, to };
}

async function fromPoint(context: Context, flags: RestoreFlags, wish: Wish): Promise<Done> {
  const secrets = await pointSecretsOf(flags);
  return confirmed(context, wish, (confirmedWish) => callAgent(context, 'restore', { ...confirmedWish, ...secrets }));
}

/** What a state that points hold is opened with, where this machine's own key does not. */
async function pointSecretsOf(flags: RestoreFlags): Promise<PointSecrets> {
  const { recoveryFile, recoveryCodeFile } = flags;
  if (recoveryFile === undefined && flags.passphraseFile !== undefined) {
    throw new ResettleError('usage', '--passphrase-file goes with --store DIR or with --recovery-file F');
  }
  if (recoveryFile !== undefined && recoveryCodeFile !== undefined) {
    throw new ResettleError('usage', '--recovery-file and --recovery-code-file do not go together');
  }
  if (recoveryCodeFile !== undefined) return { recoveryCode: await readSecret('recovery code', recoveryCodeFile) };
  if (recoveryFile === undefined) return {};
  const { recovery } = await secretsOf(flags);
  return { recovery };
}

async function fromFolder(context: Context, flags: RestoreFlags, wish: Wish): Promise<Done> {
  const dir = resolve(flags.store!);
  if (flags.recoveryCodeFile !== undefined) {
    throw new ResettleError('usage', '--recovery-code-file goes with a state that points hold, not with --store');
  }
  const restore = (secrets: Secrets): Promise<Done> =>
    confirmed(context, wish, (confirmedWish) =>
      callAgentOrHere(context, 'restoreFolder', { ...confirmedWish, dir, ...secrets }),
    );
  const secrets = await secretsOf(flags);
  try {
    return await restore(secrets);
  } catch (error) {
    const isClosed = error instanceof ResettleError && error.code === 'refused';
    if (!context.mayAsk || !isClosed || Object.keys(secrets).length > 0) throw error;
    context.output.message(`${error.message}.`);
    return restore({ passphrase: await readSecret('passphrase', undefined) });
  }
}

/** What a store in a folder is opened with, of the options that say so. */
export async function secretsOf(flags: Pick<RestoreFlags, 'passphraseFile' | 'recoveryFile'>): Promise<Secrets> {
  if (flags.recoveryFile !== undefined) {
    const passphrase = await readSecret('passphrase of the recovery file', flags.passphraseFile);
    return { recovery: { file: resolve(flags.recoveryFile), passphrase } };
  }
  if (flags.passphraseFile === undefined) return {};
  return { passphrase: await readSecret('passphrase', flags.passphraseFile) };
}

/** Asks whose state it is, where nobody vouches for it. --yes does not answer this: it is for a person to say. */
async function confirmed(context: Context, wish: Wish, restore: (wish: Wish) => Promise<Done>): Promise<Done> {
  let settled = wish;
  if (isForEyes(context, wish)) settled = await shown(context, wish, restore);
  try {
    return await restore(settled);
  } catch (error) {
    const from = await nameOfMachine(context, error);
    return restore({ ...settled, from });
  }
}

/** Throws the error where it is no question, or nobody answers. */
async function nameOfMachine(context: Context, error: unknown): Promise<string> {
  if (!context.mayAsk || !(error instanceof ResettleError) || error.code !== 'unconfirmed') throw error;
  context.output.message(`${error.message}.`);
  const from = await prompt('Name the machine whose state you want, or press Enter to stop: ');
  if (from === '') throw error;
  return from;
}

/** Whether somebody is there who can look at what only root may bring before it is brought (docs/THREATS.md, T7). */
const isForEyes = ({ mayAsk, yes }: Context, { allowPrivileged, root, dryRun }: Wish): boolean =>
  allowPrivileged && root && !dryRun && mayAsk && !yes;

/** Shows the plan of areas with every difference, and asks. Returns the wish as far as a person has settled it. */
async function shown(context: Context, wish: Wish, restore: (wish: Wish) => Promise<Done>): Promise<Wish> {
  const { output } = context;
  let settled = wish;
  output.shows = 'areas';
  try {
    await restore({ ...settled, dryRun: true });
  } catch (error) {
    settled = { ...settled, from: await nameOfMachine(context, error) };
    await restore({ ...settled, dryRun: true });
  } finally {
    output.shows = 'progress';
  }
  const answer = await prompt('Do all of this? [y/N] ');
  if (/^y(es)?$/i.test(answer)) return settled;
  throw new ResettleError('unconfirmed', 'nothing was restored: the plan was not accepted', {
    hint: 'leave --allow-privileged out, or name fewer --areas',
  });
}
