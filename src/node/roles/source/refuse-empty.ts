import { ResettleError } from '../../../common/errors.ts';
import type { Report } from '../../../common/ports.ts';
import type { Emit } from '../../events.ts';

/** A capture that could take nothing but folders, where there was more, is none. Throws `nothing-left`. */
export function refuseEmpty(
  taken: { readonly files: number; readonly symlinks: number; readonly hardlinks: number; readonly specials: number },
  skipped: Report,
  emit: Emit,
): void {
  if (skipped.count === 0 || taken.files + taken.symlinks + taken.hardlinks + taken.specials > 0) return;
  for (const item of skipped.items) emit({ event: 'skipped', ...item });
  const first = skipped.items[0];
  throw new ResettleError(
    'nothing-left',
    `nothing is left to capture of ${skipped.count} items${first ? `; ${first.path}: ${first.reason}` : ''}`,
    { hint: 'run the agent as a user who can read them' },
  );
}
