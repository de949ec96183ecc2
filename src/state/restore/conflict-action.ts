import type { BigIntStats } from 'node:fs';
import type { ConflictPolicy } from './types.ts';

/** What the policy says where something else is there; undefined times are those of folders that have none. */
export function conflictAction(
  policy: ConflictPolicy,
  there: BigIntStats | undefined,
  mtimeNs: bigint | undefined,
): 'keep-both' | 'skip' | 'replace' {
  if (!there || (policy === 'newer' && mtimeNs === undefined)) return 'keep-both';
  if (policy !== 'newer') return policy;
  return mtimeNs! > there.mtimeNs ? 'replace' : 'skip';
}
