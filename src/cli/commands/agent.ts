import type { Command } from 'commander';
import { ResettleError } from '../../common/errors.ts';
import { POINT_CLIENTS_MAX } from '../../common/limits.ts';
import { parseDurationMs, parseSizeBytes } from '../../common/sizes.ts';
import type { Context } from '../context.ts';

interface AgentFlags {
  name?: string;
  interface?: string[];
  listen?: string[];
  peer?: string[];
  point?: string;
  quota?: string;
  keepFree?: string;
  maxClients?: string;
  drain?: boolean;
  subnet?: string[];
  scrubEvery?: string;
  lostAfter?: string;
}

const several = (value: string, before: string[] = []): string[] => [...before, value];

export function describeAgent(command: Command): Command {
  return command
    .description('run the agent in the foreground')
    .option('--name <NAME>', "this machine's name in the fleet (default: its host name)")
    .option('--interface <NAME>', 'use this network interface (may be repeated; default: the physical ones)', several)
    .option('--listen <MULTIADDR>', 'listen here (may be repeated; default: TCP port 24717)', several)
    .option('--peer <MULTIADDR>', 'try this address too (may be repeated)', several)
    .option('--point <DIR>', 'be a state migration point that keeps states in DIR')
    .option('--quota <SIZE>', 'most that all states together may take')
    .option('--keep-free <SIZE>', 'free space that stays free (default: 1GiB)')
    .option('--max-clients <N>', `transfers at once (default: ${POINT_CLIENTS_MAX})`)
    .option('--drain', 'give what is held, take nothing new')
    .option('--subnet <CIDR>', 'serve only machines of this subnet (may be repeated; default: all)', several)
    .option('--scrub-every <DURATION>', 'read every pack again so often (default: 24h)')
    .option('--lost-after <DURATION>', 'make copies again that were on a machine away for so long (default: 1h)')
    .addHelpText(
      'after',
      '\nExamples:\n  resettle agent\n  resettle agent --point /srv/states --keep-free 20GiB\n  resettle agent --interface lo --listen /ip4/127.0.0.1/tcp/0',
    );
}

export async function runAgentCommand(context: Context, flags: AgentFlags): Promise<void> {
  for (const [name, value] of [
    ['--quota', flags.quota],
    ['--keep-free', flags.keepFree],
    ['--max-clients', flags.maxClients],
    ['--drain', flags.drain],
    ['--subnet', flags.subnet],
    ['--scrub-every', flags.scrubEvery],
    ['--lost-after', flags.lostAfter],
  ] as const) {
    if (value !== undefined && flags.point === undefined) {
      throw new ResettleError('usage', `${name} goes with --point DIR`);
    }
  }
  const maxClients = flags.maxClients === undefined ? POINT_CLIENTS_MAX : Number(flags.maxClients);
  if (!Number.isInteger(maxClients) || maxClients < 1 || maxClients > 1000) {
    throw new ResettleError('usage', '--max-clients is a whole number from 1 to 1000');
  }
  const { runAgent } = await import('../../api/host.ts');
  await runAgent(
    {
      ...(context.homeDir === undefined ? {} : { homeDir: context.homeDir }),
      ...(flags.name === undefined ? {} : { name: flags.name }),
      interfaces: flags.interface ?? [],
      listen: flags.listen ?? [],
      peers: flags.peer ?? [],
      verbose: context.verbose,
      ...(flags.point === undefined
        ? {}
        : {
            point: {
              dir: flags.point,
              quotaBytes: flags.quota === undefined ? undefined : parseSizeBytes(flags.quota),
              keepFreeBytes: parseSizeBytes(flags.keepFree ?? '1GiB'),
              maxClients,
              drain: flags.drain === true,
              subnets: flags.subnet ?? [],
              timing: {
                ...(flags.scrubEvery === undefined ? {} : { scrubEveryMs: parseDurationMs(flags.scrubEvery) }),
                ...(flags.lostAfter === undefined ? {} : { lostAfterMs: parseDurationMs(flags.lostAfter) }),
              },
            },
          }),
    },
    (ready) => {
      if (context.output.json) context.output.event({ event: 'ready', ...ready });
      else {
        context.output.message(`agent ${ready.peerId} is ready`);
        for (const address of ready.addresses) context.output.message(`  ${address}`);
      }
    },
    context.signal,
  );
}
