import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ApiEvent } from '../../api/contract.ts';
import type { ReceiveWish, ShownProposal, Unfinished } from '../../api/pairing-service.ts';
import { ResettleError } from '../../common/errors.ts';
import { askCode } from '../code.ts';
import type { Context } from '../context.ts';
import { count, tellMoved } from '../moved-lines.ts';
import { prompt } from '../secrets.ts';
import { mappingOf } from './restore.ts';

interface ReceiveFlags {
  into?: string;
  strip?: boolean;
  root?: string;
  onConflict?: string;
  mapUser?: string[];
  identity?: string;
  areas?: string;
  allowPrivileged?: boolean;
  dryRun?: boolean;
  interface?: string[];
  peer?: string;
}

const POLICIES = ['keep-both', 'skip', 'replace', 'newer'] as const;

const IDENTITIES = ['same', 'new'] as const;

const collect = (value: string, before: string[] = []): string[] => [...before, value];

export function describeReceive(command: Command): Command {
  return command
    .description('receive what another machine sends by a code; no fleet and no agent are needed')
    .argument('[CODE]', 'as the other machine shows it, or the text of its QR code; asked for where it is not given')
    .option('--into <DIR>', 'put what comes below DIR: /home/ann becomes DIR/home/ann')
    .option('--strip', 'with --into and one PATH sent: put its contents straight into DIR')
    .option('--root <DIR>', 'DIR is the root of a machine: put everything in its place there')
    .option(
      '--on-conflict <POLICY>',
      `where something else is there: ${POLICIES.join(', ')} (default: keep-both, the one that comes gets another name)`,
    )
    .option('--map-user <OLD=NEW>', "give what was OLD's to NEW; names or numbers, may be repeated", collect)
    .option(
      '--allow-privileged',
      'as root: what only root may bring too, such as sudo rules, services, setuid files; it is shown first',
    )
    .option('--interface <NAME>', 'a network interface to use (default: cables and radios); may be repeated', collect)
    .option('--peer <MULTIADDR>', 'where the other machine is, such as /ip4/192.168.1.20/tcp/24717')
    .option(
      '--dry-run',
      'say what would be done with every item, and change nothing; what may follow needs no new code',
    )
    .option(
      '--identity <WHICH>',
      'with --root; same: this is the machine that sends, reinstalled; new: it is another one',
    )
    .option('--areas <LIST>', 'with --root: only these kinds of system state, with commas, or all')
    .addHelpText(
      'after',
      `
It shows what is offered, and by whom, and asks before anything is written. What it replaced or added can be put back with
"resettle undo". What was broken off goes on with "resettle receive" without a code, within 24 hours.

Examples:
  resettle receive --into /srv/ann
  resettle receive --root / --map-user ann=anna --on-conflict newer
  resettle receive --into /srv/ann --peer /ip4/192.168.1.20/tcp/24717`,
    );
}

/** Returns the exit status: 3 where items were left out or withheld. */
export async function runReceive(context: Context, code: string | undefined, flags: ReceiveFlags): Promise<number> {
  const wish = wishOf(flags);
  const dryRun = flags.dryRun === true;
  if (!context.yes && !context.mayAsk && !dryRun) {
    throw new ResettleError('unconfirmed', 'nobody can be asked whether what is offered shall be received', {
      hint: 'give --yes to accept whatever the machine with that code offers',
    });
  }
  const { checkCode, receiveState, unfinishedReceives } = await import('../../api/pairing-service.ts');
  if (code !== undefined) checkCode(code);
  const kept = code === undefined ? await chosen(context, unfinishedReceives, wish) : undefined;
  if (!wish && !kept?.into && !context.mayAsk) {
    throw new ResettleError('usage', 'nobody said where it shall go', {
      hint: 'name a folder with --into DIR, or a root with --root DIR',
    });
  }
  const by = kept ? { kept: kept.id } : { code: code ?? (await askCode(context, 'resettle send', checkCode)) };
  const done = await receiveState({
    homeDir: context.homeDir,
    interfaces: flags.interface ?? [],
    verbose: context.verbose,
    signal: context.signal,
    by,
    peer: flags.peer,
    wish: wish ?? (kept?.into && saysHow(flags) ? wishOf({ ...flags, into: kept.into }) : undefined),
    dryRun,
    accept: (_, signal) => accept(context, flags, wish, signal),
    emit: (event) => tell(context, event),
  });
  if (dryRun) {
    context.output.message(`would be received from ${String(done.machineName)}: ${count(done)}. Nothing was written.`);
    context.output.message('"resettle receive" goes on without a new code, within 24 hours.');
    context.output.done(done, []);
    return Number(done.skipped) > 0 ? 3 : 0;
  }
  const how = `received from ${String(done.machineName)}`;
  tellMoved(context, done, how, "Every file's hash was verified.");
  context.output.done(done, [`restore ${String(done.restore)}`, `into ${String(done.into)}`]);
  return Number(done.skipped) > 0 ? 3 : 0;
}

/** Whether anything but where it goes was said. */
function saysHow({ onConflict, mapUser, allowPrivileged }: ReceiveFlags): boolean {
  return onConflict !== undefined || mapUser !== undefined || allowPrivileged !== undefined;
}

function wishOf(flags: ReceiveFlags): ReceiveWish | undefined {
  const identity = IDENTITIES.find((one) => one === flags.identity);
  if (flags.identity !== undefined && identity === undefined) {
    throw new ResettleError('usage', `--identity is one of ${IDENTITIES.join(', ')}, not ${flags.identity}`);
  }
  if (flags.into !== undefined && flags.root !== undefined) {
    throw new ResettleError('usage', '--into and --root do not go together');
  }
  if (flags.strip && flags.into === undefined) throw new ResettleError('usage', '--strip goes with --into DIR');
  const onConflict = POLICIES.find((policy) => policy === (flags.onConflict ?? 'keep-both'));
  if (onConflict === undefined) {
    throw new ResettleError('usage', `--on-conflict is one of ${POLICIES.join(', ')}, not ${flags.onConflict}`);
  }
  const mapUsers = (flags.mapUser ?? []).map(mappingOf);
  const target = flags.into ?? flags.root;
  if (target === undefined) return undefined;
  return {
    into: resolve(target),
    strip: flags.strip === true,
    root: flags.root !== undefined,
    onConflict,
    allowPrivileged: flags.allowPrivileged === true,
    mapUsers,
    ...(identity === undefined ? {} : { identity }),
    ...(flags.areas === undefined ? {} : { areas: flags.areas.split(',').filter((name) => name !== '') }),
  };
}

/** The unfinished one that is meant: the one for that target, by a yes. */
async function chosen(
  context: Context,
  unfinishedReceives: (homeDir: string | undefined, onProblem: (message: string) => void) => Unfinished[],
  wish: ReceiveWish | undefined,
): Promise<Unfinished | undefined> {
  const unfinished = unfinishedReceives(context.homeDir, (message) => context.output.message(message));
  const fits = unfinished.find(({ into }) => !wish || into === null || into === wish.into);
  if (!fits) return undefined;
  const where = fits.into === null ? '' : ` into ${fits.into}`;
  const what = `what ${fits.machineName} began to send${where} at ${fits.madeAt}`;
  if (!context.yes) {
    return isYes(await prompt(`Go on with ${what}? [Y/n] `, true, context.signal), true) ? fits : undefined;
  }
  context.output.message(`Goes on with ${what}.`);
  return fits;
}

async function accept(
  context: Context,
  flags: ReceiveFlags,
  given: ReceiveWish | undefined,
  signal: AbortSignal,
): Promise<ReceiveWish | undefined> {
  const wish = given ?? (await askTarget(flags, signal));
  if (!wish || context.yes || flags.dryRun) return wish;
  return isYes(await prompt(`Receive it into ${wish.into}? [y/N] `, true, signal), false) ? wish : undefined;
}

async function askTarget(flags: ReceiveFlags, signal: AbortSignal): Promise<ReceiveWish | undefined> {
  const folder = await prompt('Folder to put it into (press Enter to stop): ', true, signal);
  return folder === '' ? undefined : wishOf({ ...flags, into: folder });
}

function isYes(answer: string, byDefault: boolean): boolean {
  return answer === '' ? byDefault : /^y(es)?$/i.test(answer);
}

function tell({ output }: Context, event: ApiEvent): void {
  if (output.json || event.event !== 'offer') {
    if (output.json || event.event !== 'paired') output.event(event);
    return;
  }
  const { machineName, system, user, paths, pathCount, files, folders, links, bytes, skipped } = event as ApiEvent &
    ShownProposal;
  output.message(`${machineName} (${system}, user ${user}) offers:`);
  for (const path of paths) output.message(`  ${path}`);
  if (pathCount > paths.length) output.message(`  and ${pathCount - paths.length} PATHs more`);
  output.message(`  ${count({ files, bytes })}; folders: ${folders}, links: ${links}`);
  if (skipped > 0) output.message(`  ${skipped} items are left out there; its screen says which`);
}
