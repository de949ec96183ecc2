import type { Contestant, LeftOut } from '../contestant.ts';
import { findProgram, run } from '../run.ts';
import { borg } from './borg.ts';
import { restic } from './restic.ts';
import { rsync } from './rsync.ts';
import { tar } from './tar.ts';

export const PEERS = ['rsync', 'tar', 'restic', 'borg'] as const;
export type Peer = (typeof PEERS)[number];

/** Programs by the Debian package that brings them. */
const PACKAGES: Readonly<Record<string, string>> = {
  rsync: 'rsync',
  tar: 'tar',
  bash: 'bash',
  restic: 'restic',
  borg: 'borgbackup',
  sshd: 'openssh-server',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  ip: 'iproute2',
  tc: 'iproute2',
};
export const SSH = ['sshd', 'ssh', 'ssh-keygen'];
const NEEDED: Readonly<Record<Peer, readonly string[]>> = {
  rsync: ['rsync', ...SSH],
  tar: ['tar', 'bash', ...SSH],
  restic: ['restic'],
  borg: ['borg'],
};
const VERSION_ARGUMENTS: Readonly<Record<Peer, string>> = {
  rsync: '--version',
  tar: '--version',
  restic: 'version',
  borg: '--version',
};
/** The first restic that compresses. */
const RESTIC_MIN = [0, 14] as const;

export interface Field {
  /** Peers that can run, each with the first line of what it says of its version. */
  readonly versions: ReadonlyMap<Peer, string>;
  /** Contestants that cannot, and why. */
  readonly leftOut: readonly LeftOut[];
  /** Those that are timed. */
  readonly timed: readonly Contestant[];
  /** Those of which only the store's size counts. */
  readonly sized: readonly Contestant[];
}

/** Looks which of the wanted peers this machine can run, and how. */
export async function findPeers(wanted: readonly Peer[]): Promise<Field> {
  const versions = new Map<Peer, string>();
  const leftOut: LeftOut[] = [];
  for (const peer of wanted) {
    const why = missing(NEEDED[peer]);
    const version = why === undefined ? await versionOf(peer) : '';
    if (why !== undefined) leftOut.push({ contestant: peer, why });
    else if (peer === 'restic' && !compresses(version)) {
      leftOut.push({ contestant: peer, why: `${version} is older than ${RESTIC_MIN.join('.')}` });
    } else versions.set(peer, version);
  }
  const entered = [...versions.keys()].map(contestantsOf);
  const noSsh = missing(SSH);
  const timed = entered.flatMap((peer) => peer.timed);
  const sized = entered.flatMap((peer) => peer.sized);
  if (noSsh === undefined) return { versions, leftOut, timed, sized };
  for (const { name, way } of timed) if (way === 'point') leftOut.push({ contestant: name, way, why: noSsh });
  return { versions, leftOut, timed: timed.filter(({ way }) => way === 'folder'), sized };
}

/** What to install, or undefined where nothing is missing. */
export function missing(programs: readonly string[]): string | undefined {
  const packages = programs.filter((program) => findProgram(program) === undefined).map((program) => PACKAGES[program]);
  return packages.length === 0 ? undefined : `install ${[...new Set(packages)].join(', ')}`;
}

async function versionOf(peer: Peer): Promise<string> {
  return (await run(peer, [VERSION_ARGUMENTS[peer]])).split('\n')[0]!.trim();
}

function compresses(version: string): boolean {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > RESTIC_MIN[0] || Number(minor) >= RESTIC_MIN[1];
}

function contestantsOf(peer: Peer): { timed: Contestant[]; sized: Contestant[] } {
  switch (peer) {
    case 'rsync':
      return { timed: [rsync], sized: [] };
    case 'tar':
      return { timed: [tar], sized: [] };
    case 'restic':
      return { timed: [...resticWith('auto'), ...resticWith('max')], sized: [] };
    case 'borg':
      return { timed: [borg('point'), borg('folder')], sized: [borg('folder', 'zstd')] };
  }
}

const resticWith = (compression: 'auto' | 'max') => [restic('point', compression), restic('folder', compression)];
