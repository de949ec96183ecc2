/** Asks the system what only it knows: routes, and what the tools of its firewall print. Changes nothing. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { TOOL_OUTPUT_MAX_BYTES, TOOL_TIMEOUT_MS } from '../../common/limits.ts';
import { type LocalLink, localLinks } from '../link/interfaces.ts';
import type { FirewallOutputs } from './firewall.ts';
import { readDefaultRoutes } from './routes.ts';

/** What the doctor asks the system; a parameter, so that tests can make machines up. */
export interface SystemFacts {
  links(): readonly LocalLink[];
  /** Names of the interfaces with default routes; undefined where this cannot be read. */
  defaultRoutes(): readonly string[] | undefined;
  firewall(): Promise<FirewallOutputs>;
  /** Whether nobody on this machine listens at that port. */
  isPortFree(port: number): Promise<boolean>;
}

/** Administrators' tools lie where a person's PATH often does not lead. */
const TOOL_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
const TOOLS: Record<keyof FirewallOutputs, readonly [string, ...string[]]> = {
  ufw: ['ufw', 'status', 'verbose'],
  firewalld: ['firewall-cmd', '--list-all'],
  nft: ['nft', 'list', 'ruleset'],
  iptables: ['iptables', '-S'],
};

function outputOf([tool, ...args]: readonly [string, ...string[]]): Promise<string | undefined> {
  const options = {
    env: { PATH: TOOL_PATH, LC_ALL: 'C' },
    timeout: TOOL_TIMEOUT_MS,
    maxBuffer: TOOL_OUTPUT_MAX_BYTES,
  };
  return new Promise((resolve) => {
    execFile(tool, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      // firewalld says in its error that it is not running, which is an answer.
      else resolve(/not running/i.test(stderr) ? stderr : undefined);
    });
  });
}

async function firewall(): Promise<FirewallOutputs> {
  const isLinux = process.platform === 'linux';
  const ask = (tool: keyof FirewallOutputs): Promise<string | undefined> =>
    isLinux ? outputOf(TOOLS[tool]) : Promise.resolve(undefined);
  const [ufw, firewalld, nft, iptables] = await Promise.all([
    ask('ufw'),
    ask('firewalld'),
    ask('nft'),
    ask('iptables'),
  ]);
  return { ufw, firewalld, nft, iptables };
}

function defaultRoutes(): readonly string[] | undefined {
  try {
    return readDefaultRoutes(readFileSync('/proc/net/route', 'utf8'));
  } catch {
    return undefined; // No such file on this system: the check says so.
  }
}

function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: '0.0.0.0', port }, () => server.close(() => resolve(true)));
  });
}

export const system: SystemFacts = { links: () => localLinks(), defaultRoutes, firewall, isPortFree };
