import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { environment, findProgram, inside, run } from '../run.ts';

const LOOPBACK = '127.0.0.1';
/** Debian's service makes this folder at its start; root's sshd does not run without it. */
const PRIVILEGE_SEPARATION_FOLDER = '/run/sshd';
const READY_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/** What `ssh` calls the server. */
export const SSH_HOST = 'point';

/** Where a server listens and where its clients are, if not on loopback: two namespaces that reach each other. */
export interface SshRoute {
  /** The server's address. */
  readonly host: string;
  readonly serverNamespace?: string;
  readonly clientNamespace?: string;
}

/** An OpenSSH server of the bench's own, on a loopback port or in a network namespace, with its own keys. */
export interface Sshd {
  readonly pid: number;
  /** A configuration for `ssh -F`, by which it is reached as {@link SSH_HOST}. */
  readonly clientConfig: string;
  close(): Promise<void>;
}

/** Starts one; everything that it needs lies beneath `base`. `serverEnvironment` is what its sessions get. */
export async function startSshd(
  base: string,
  serverEnvironment: Readonly<Record<string, string>> = {},
  { host, serverNamespace, clientNamespace }: SshRoute = { host: LOOPBACK },
): Promise<Sshd> {
  const folder = join(base, 'ssh');
  mkdirSync(folder, { mode: 0o700 });
  const file = (name: string): string => join(folder, name);
  for (const key of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', file(key)]);
  }
  const port = await freePort();
  const setEnvironment = Object.entries(serverEnvironment).map(([name, value]) => `${name}=${value}`);
  writeFileSync(file('authorized_keys'), readFileSync(file('user.pub')));
  writeFileSync(file('known_hosts'), `[${host}]:${port} ${readFileSync(file('host.pub'), 'utf8')}`);
  writeConfig(file('sshd_config'), {
    ListenAddress: `${host}:${port}`,
    HostKey: file('host'),
    AuthorizedKeysFile: file('authorized_keys'),
    AuthenticationMethods: 'publickey',
    PermitRootLogin: 'prohibit-password',
    UsePAM: 'no',
    StrictModes: 'no',
    PidFile: 'none',
    PrintMotd: 'no',
    Subsystem: 'sftp internal-sftp',
    ...(setEnvironment.length > 0 ? { SetEnv: setEnvironment.join(' ') } : {}),
  });
  writeConfig(file('ssh_config'), {
    Host: SSH_HOST,
    HostName: host,
    Port: String(port),
    User: userInfo().username,
    IdentityFile: file('user'),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    UserKnownHostsFile: file('known_hosts'),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    BatchMode: 'yes',
    LogLevel: 'ERROR',
  });
  const madeFolder = process.getuid?.() === 0 && !existsSync(PRIVILEGE_SEPARATION_FOLDER);
  const removeFolder = (): void => rmSync(PRIVILEGE_SEPARATION_FOLDER, { recursive: true, force: true });
  if (madeFolder) {
    mkdirSync(PRIVILEGE_SEPARATION_FOLDER, { mode: 0o755 });
    process.once('exit', removeFolder);
  }
  const server = inside(serverNamespace, findProgram('sshd') ?? 'sshd', ['-D', '-e', '-f', file('sshd_config')]);
  const child = spawn(server.program, server.args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: environment(),
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = once(child, 'close');
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    if (!madeFolder) return;
    process.off('exit', removeFolder);
    removeFolder();
  };
  const client = inside(clientNamespace, 'ssh', ['-F', file('ssh_config'), SSH_HOST, 'true']);
  const answers = () =>
    run(client.program, client.args, { timeoutMs: READY_TIMEOUT_MS }).then(
      () => true,
      (error: Error) => {
        refused = error.message;
        return false;
      },
    );
  let refused = '';
  for (const since = performance.now(); !(await answers()); await pause(POLL_MS)) {
    if (child.exitCode === null && performance.now() - since < READY_TIMEOUT_MS) continue;
    await close();
    throw new Error(`sshd does not answer: ${said.trim()} ${refused}`);
  }
  return { pid: child.pid!, clientConfig: file('ssh_config'), close };
}

function writeConfig(path: string, settings: Readonly<Record<string, string>>): void {
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  writeFileSync(path, lines.join(''), { mode: 0o600 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
