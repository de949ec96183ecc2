import { setTimeout } from 'node:timers/promises';
import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { formatBytes } from '../../common/sizes.ts';
import { type Context, callAgent } from '../context.ts';
import { table } from '../table.ts';

type Row = Record<string, unknown>;

export function describePeers(command: Command): Command {
  return command
    .description('list who is seen on the network, and how')
    .addHelpText('after', '\nExamples:\n  resettle peers\n  resettle peers --json');
}

export async function runPeers(context: Context): Promise<void> {
  const done = await callAgent(context, 'peers', {});
  context.output.done(
    done,
    table(
      ['NAME', 'PEER ID', 'MEMBER', 'CONNECTED', 'SEEN BY', 'ADDRESSES'],
      (done.peers as Row[]).map((peer) => [
        peer.name,
        peer.peerId,
        peer.member ? 'yes' : 'no',
        peer.connected ? 'yes' : 'no',
        (peer.seenBy as string[]).join(','),
        (peer.addresses as string[]).join(' '),
      ]),
    ),
  );
}

export function describePoints(command: Command): Command {
  return command
    .description('list the points, with what each has free, reserved and holds')
    .addHelpText('after', '\nExamples:\n  resettle points\n  resettle points --json');
}

export async function runPoints(context: Context): Promise<void> {
  const done = await callAgent(context, 'points', {});
  const size = (bytes: unknown): string => (typeof bytes === 'number' ? formatBytes(bytes) : '');
  context.output.done(
    done,
    table(
      ['NAME', 'PEER ID', 'FREE', 'RESERVED', 'HOLDS', 'CLIENTS', 'PROBLEM'],
      (done.points as Row[]).map((point) => [
        point.name,
        point.peerId,
        size(point.freeBytes),
        size(point.reservedBytes),
        size(point.heldBytes),
        point.clients,
        point.problem,
      ]),
    ),
  );
}

export function describeStatus(command: Command): Command {
  return command
    .description('show this machine, and where every migration of the fleet stands')
    .option('--watch', 'go on until nothing is left to do')
    .option('--until <GOAL>', `what counts as complete: ${GOALS.join(', ')}`, 'restored')
    .addHelpText(
      'after',
      `
Ends with 3 while a migration is incomplete. "safe" is the source's word that the old disk may be wiped, as long as it holds.

Examples:
  resettle status
  resettle status --watch --until safe
  resettle status --json`,
    );
}

const GOALS = ['stored', 'safe', 'restored'] as const;
const WATCH_EVERY_MS = 2_000;

/** Returns the exit status: 3 while a migration is incomplete. */
export async function runStatus(context: Context, flags: { watch?: boolean; until: string }): Promise<number> {
  const goal = GOALS.find((one) => one === flags.until);
  if (!goal) throw new ResettleError('usage', `--until is one of ${GOALS.join(', ')}, not ${flags.until}`);
  for (let before = ''; ; ) {
    const done = await callAgent(context, 'status', { goal });
    const incomplete = Number(done.incomplete);
    if (!flags.watch || incomplete === 0) {
      showStatus(context, done);
      return incomplete === 0 ? 0 : 3;
    }
    // What has not changed is not told again.
    const now = JSON.stringify(done.migrations);
    if (now !== before) {
      if (context.output.json) context.output.event({ event: 'status', ...done });
      else for (const line of migrationLines(done.migrations as Row[])) context.output.message(line);
    }
    before = now;
    await setTimeout(WATCH_EVERY_MS, undefined, { signal: context.signal }).catch(() => {
      throw context.signal.reason;
    });
  }
}

function migrationLines(migrations: readonly Row[]): string[] {
  if (migrations.length === 0) return [];
  const rows = migrations.map((one) => [
    one.sourceName,
    one.destinationName ?? (one.mode === 'in-place' ? '(reinstalled)' : '(to be named)'),
    one.phase,
    one.snapshot === 0 ? '' : `${String(one.snapshot)}, ${formatBytes(Number(one.bytes))}`,
    `${String(one.copies)} of ${String(one.replicas)}`,
    [
      ...(one.safeUntil === null ? [] : [`safe to wipe, as of ${isoOf(one.safeAsOf)}, until ${isoOf(one.safeUntil)}`]),
      ...(one.phase === 'stored' ? [`not yet safe to wipe: ${(one.missing as string[]).join(', ')}`] : []),
      ...(Number(one.skipped) > 0 ? [`${String(one.skipped)} items left out`] : []),
      ...(one.holders as Row[])
        .filter(({ phase }) => phase !== 'held')
        .map((holder) => `${String(holder.pointName)}: ${String(holder.phase)}`),
      ...(one.notes as string[]),
    ].join('; '),
  ]);
  return table(['SOURCE', 'DESTINATION', 'PHASE', 'SNAPSHOT', 'COPIES', 'WHAT IS KNOWN'], rows);
}

const isoOf = (timeMs: unknown): string => new Date(Number(timeMs)).toISOString();

function showStatus(context: Context, done: Row): void {
  const running = done.running as Row[];
  const held = done.held as Row[];
  const refusals = done.refusals as Row[];
  context.output.done(done, [
    `${String(done.name)} ${String(done.peerId)}`,
    done.fleet ? `fleet ${String(done.fleetName)} as ${String(done.role)}` : String(done.standing),
    ...running.map(
      (one) =>
        `${String(one.kind)} ${String(one.phase)} ${formatBytes(Number(one.bytes))} of ${formatBytes(Number(one.totalBytes))}`,
    ),
    ...held.map(
      (one) =>
        `holds ${String(one.state)} snapshots ${(one.snapshots as number[]).join(',')} ${formatBytes(Number(one.bytes))}${one.accessible ? ' (open)' : ''}`,
    ),
    ...migrationLines(done.migrations as Row[]),
    ...(done.failedTrials as Row[]).map(
      (one) =>
        `trial of ${String(one.state).slice(0, 12)} at ${String(one.holderName)} did not pass: ${String(one.reason)}`,
    ),
    ...refusals.map((one) => `refused ${String(one.count)} times: ${String(one.message)} (${String(one.peer)})`),
  ]);
}
