import type { Command } from 'commander';
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
    .description('show this machine: its fleet, what runs, what it holds')
    .addHelpText('after', '\nExamples:\n  resettle status\n  resettle status --json');
}

export async function runStatus(context: Context): Promise<void> {
  const done = await callAgent(context, 'status', {});
  const migrations = done.migrations as Row[];
  const held = done.held as Row[];
  context.output.done(done, [
    `${String(done.name)} ${String(done.peerId)}`,
    done.fleet ? `fleet ${String(done.fleetName)} as ${String(done.role)}` : String(done.standing),
    ...migrations.map(
      (one) =>
        `${String(one.kind)} ${String(one.phase)} ${formatBytes(Number(one.bytes))} of ${formatBytes(Number(one.totalBytes))}`,
    ),
    ...held.map(
      (one) =>
        `holds ${String(one.state)} snapshots ${(one.snapshots as number[]).join(',')} ${formatBytes(Number(one.bytes))}${one.accessible ? ' (open)' : ''}`,
    ),
  ]);
}
