import { spawnSync } from 'node:child_process';

export interface InsideOptions {
  /** With this machine's network; else with a loopback of its own. */
  readonly network?: boolean;
  readonly input?: string;
  /** Shell lines before the root is changed, `$1`: what else is mounted. */
  readonly setUp?: string;
  readonly timeoutMs?: number;
}

/** Mounts are private and processes end with the shell: nothing of them is left, however it ends. */
const SETUP = `set -e
mount -t proc proc "$1/proc"
mount --bind /dev "$1/dev"
mount -t tmpfs tmpfs "$1/dev/shm" 2>/dev/null || true
mount -t tmpfs tmpfs "$1/run/lock" 2>/dev/null || true
if [ "$3" = lone ]; then ip link set lo up; fi
if [ -s "$1/etc/hostname" ]; then hostname "$(head -n 1 "$1/etc/hostname")"; fi
eval "$4"
exec chroot "$1" /bin/sh -c "$2"`;

/** Runs a shell script with a system's own programs. Returns what it printed; throws where it does not end with 0. */
export function inNamespaces(root: string, script: string, options: InsideOptions = {}): string {
  const { network = false, input, setUp = '', timeoutMs = 120_000 } = options;
  const apart = ['--mount', '--uts', '--pid', '--fork', '--kill-child', ...(network ? [] : ['--net'])];
  const { status, signal, stdout, stderr } = spawnSync(
    'unshare',
    [...apart, 'sh', '-c', SETUP, 'sh', root, script, network ? 'shared' : 'lone', setUp],
    {
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', HOME: '/root' },
      encoding: 'utf8',
      maxBuffer: 1e8,
      timeout: timeoutMs,
      ...(input === undefined ? { stdio: ['ignore', 'pipe', 'pipe'] as const } : { input }),
    },
  );
  if (status === 0) return stdout;
  throw new Error(
    `ended with ${status ?? signal}: ${script.slice(0, 300)}\n${stdout.slice(-3000)}${stderr.slice(-3000)}`,
  );
}
