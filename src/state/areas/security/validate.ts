import { globPaths } from '../base/glob.ts';
import type { System } from '../base/system.ts';
import type { Problem } from '../base/types.ts';
import { kindOf } from './kinds.ts';

/** Asks sudo, sshd and nft about what is there now, or about what changed; a program that is not here is not asked. */
export function validateSecurity(system: System, changed?: ReadonlySet<string>): Problem[] {
  const all = ['/etc/sudoers', ...globPaths(system, '/etc/sudoers.d/*', 1000), ...sshPaths(system)];
  const paths = all.filter((path) => changed?.has(path) ?? true);
  const problems = paths.flatMap((path): Problem[] => {
    const kind = kindOf(path);
    const content = system.read(path);
    if (!kind || !content || !hasProgram(kind.name, system)) return [];
    const why = kind.judge(content, system) ?? (kind.name === 'sudoers' ? ownershipProblem(system, path) : undefined);
    return why === undefined ? [] : [{ what: path, why }];
  });
  return changed && !changed.has('/etc/nftables.conf') ? problems : [...problems, ...nftProblems(system)];
}

const sshPaths = (system: System): string[] => [
  '/etc/ssh/sshd_config',
  ...globPaths(system, '/etc/ssh/sshd_config.d/*.conf', 1000),
];

const hasProgram = (kind: string, system: System): boolean =>
  kind === 'sudoers' ? system.run('visudo', ['-V']) !== undefined : system.run('sshd', ['-V']) !== undefined;

/** sudo passes over files that others can write. */
function ownershipProblem(system: System, path: string): string | undefined {
  const facts = system.facts(path);
  if (!facts || facts.kind === 'link') return undefined;
  if (facts.uid !== 0) return 'it does not belong to root';
  return (facts.mode & 0o022) === 0 ? undefined : 'others than root can write it';
}

/** nft compares with what the kernel knows: of a running machine only. */
function nftProblems(system: System): Problem[] {
  if (!system.isLive || system.facts('/etc/nftables.conf') === undefined) return [];
  const result = system.run('nft', ['-c', '-f', '/etc/nftables.conf']);
  if (!result || result.status === 0) return [];
  return [{ what: '/etc/nftables.conf', why: result.stderr.split('\n')[0]?.slice(0, 300) ?? 'nft would not take it' }];
}
