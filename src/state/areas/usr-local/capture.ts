import { UNOWNED_ROOTS_MAX } from '../../../common/limits.ts';
import { readPasswd } from '../accounts/account-lines.ts';
import { isRemote, mountOf, mountsOf } from '../base/mounts.ts';
import type { System } from '../base/system.ts';
import type { Captured, CouldNot } from '../base/types.ts';
import { type Place, TOPS, type UsrLocalContent } from './schema.ts';
import { namesBeneath, UnownedPlaces } from './unowned.ts';

/** Places of customised folders that no package owns. */
export function captureUsrLocal(system: System): Captured<UsrLocalContent> | undefined {
  const couldNot: CouldNot[] = [];
  const homes = new Set(readPasswd(system).entries.map(({ home }) => home));
  const mounts = mountsOf(system);
  const paths = TOPS.flatMap((top) => {
    // Somebody may be called local.
    if (homes.has(top)) return [];
    const unowned = new UnownedPlaces(system);
    const found = unowned.beneath(top);
    if (unowned.isCutShort)
      couldNot.push({ what: top, why: 'it has more names than are looked at; name the others as PATHs' });
    return found;
  });
  const places = paths.flatMap((path): Place[] => {
    const facts = system.facts(path);
    if (!facts || facts.kind === 'other') return [];
    const mount = mountOf(mounts, path);
    if (mount && isRemote(mount)) {
      couldNot.push({ what: path, why: `it lies on ${mount.device} (${mount.type}), where it stays` });
      return [];
    }
    if (system.isUnreadable(path)) couldNot.push({ what: path, why: 'it cannot be read; run as root' });
    const { kind, mode, uid, gid } = facts;
    return [{ path, kind, mode, uid, gid, names: [...namesBeneath(system, path)] }];
  });
  if (places.length > UNOWNED_ROOTS_MAX) {
    couldNot.push({ what: 'customised folders', why: `only the first ${UNOWNED_ROOTS_MAX} places are taken` });
  }
  const taken = places.slice(0, UNOWNED_ROOTS_MAX);
  if (taken.length === 0 && couldNot.length === 0) return undefined;
  return { content: { places: taken }, roots: taken.map(({ path }) => ({ path, isPersonal: false })), couldNot };
}
