/**
 * Debian systems of real packages: a base for each release, made once by debootstrap and apt and kept, and copies of it.
 * Needs root, debootstrap, and a mirror: the one that this machine's own apt uses.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inNamespaces } from './chroot.ts';

export type Release = 'bookworm' | 'trixie';

const PACKAGES = [
  ...['acl', 'adduser', 'attr', 'chromium', 'console-setup', 'cron', 'cups', 'cups-client', 'dbus', 'dconf-cli'],
  ...[
    'dconf-gsettings-backend',
    'fonts-dejavu-core',
    'ifupdown',
    'iproute2',
    'keyboard-configuration',
    'libglib2.0-bin',
  ],
  ...['locales', 'netplan.io', 'network-manager', 'openssh-server', 'passwd', 'polkitd', 'quota', 'sudo', 'systemd'],
  ...['systemd-sysv', 'tzdata', 'udev', 'ufw'],
];

/** Where what takes long to make is kept from run to run. */
export const cache = (): string => process.env.RESETTLE_TEST_CACHE ?? join(tmpdir(), 'resettle-test-cache');

/** A copy of a release's base, which is made first where there is none yet. `parent`: an existing folder. */
export function debian(release: Release, parent: string, name: string): string {
  return copyOf(baseOf(release), join(parent, name));
}

export function copyOf(system: string, root: string): string {
  execFileSync('cp', ['-a', '--reflink=auto', '--no-target-directory', system, root]);
  return root;
}

/** The folder of a release's base, for reading only. Making it takes some minutes. */
export const baseOf = (release: Release): string => kept(release, (root) => makeBase(release, root));

/** A folder that is made once, whole or not at all; for reading only. */
export function kept(name: string, make: (root: string) => void): string {
  const there = join(cache(), name);
  if (existsSync(there)) return there;
  mkdirSync(cache(), { recursive: true });
  const made = mkdtempSync(join(cache(), 'unfinished-'));
  // It is the root folder of a system, where others than root live.
  chmodSync(made, 0o755);
  try {
    make(made);
    renameSync(made, there);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
  return there;
}

function makeBase(release: Release, root: string): void {
  const sources = hostSources();
  const main = sources.find(({ suite }) => !suite.includes('-'));
  if (!main) throw new Error('the apt sources of this machine name no mirror of Debian');
  run('debootstrap', ['--variant=minbase', release, root, main.uri]);
  // Beside what the packages bring, what this machine needs to reach its mirror.
  for (const name of readdirSync('/etc/apt/apt.conf.d')) {
    const to = join(root, 'etc/apt/apt.conf.d', name);
    if (!existsSync(to)) writeFileSync(to, readFileSync(join('/etc/apt/apt.conf.d', name)));
  }
  const lines = sources.map(({ uri, suite }) => `deb ${uri} ${suite.replace(main.suite, release)} main\n`);
  writeFileSync(join(root, 'etc/apt/sources.list'), lines.join(''));
  writeFileSync(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  writeFileSync(join(root, 'etc/resolv.conf'), readFileSync('/etc/resolv.conf'));
  const install = `apt-get update -q && apt-get install -q -y --no-install-recommends ${PACKAGES.join(' ')} && apt-get clean`;
  inNamespaces(root, `export DEBIAN_FRONTEND=noninteractive; ${install}`, { network: true, timeoutMs: 1_800_000 });
  // Of this machine, each of them.
  rmSync(join(root, 'etc/resolv.conf'));
  writeFileSync(join(root, 'etc/hostname'), 'debian\n');
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1\tlocalhost\n127.0.1.1\tdebian\n');
  for (const name of readdirSync(join(root, 'var/lib/apt/lists'))) {
    rmSync(join(root, 'var/lib/apt/lists', name), { recursive: true });
  }
}

interface Source {
  readonly uri: string;
  readonly suite: string;
}

/** Where this machine gets Debian's own packages from: the main suite, its updates, its security suite. */
function hostSources(): Source[] {
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const folder = '/etc/apt/sources.list.d';
  const files = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const found = ['/etc/apt/sources.list', ...files].filter(existsSync).flatMap((path): Source[] => {
    const text = readFileSync(path, 'utf8');
    return path.endsWith('.sources') ? stanzas(text) : path.endsWith('.list') ? oneLiners(text) : [];
  });
  const suites = [codename, `${codename}-updates`, `${codename}-security`];
  return suites.flatMap((suite) => found.find((source) => source.suite === suite) ?? []);
}

function oneLiners(text: string): Source[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/gm)].map(([, uri, suite]) => ({
    uri: uri!,
    suite: suite!,
  }));
}

function stanzas(text: string): Source[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    const [uri] = field('URIs');
    return uri === undefined ? [] : field('Suites').map((suite) => ({ uri, suite }));
  });
}

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, [...args], { encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stdout.slice(-2000)}${stderr.slice(-2000)}`);
}
