import type { CheckItem } from '../base/check-item.ts';
import type { System } from '../base/system.ts';
import type { Owners } from '../base/types.ts';
import { readRanges } from './account-lines.ts';
import type { IdRange, User } from './schema.ts';

/** One item for each person who had subordinate ids: containers without root need them where their files say. */
export function checkRanges(people: readonly User[], system: System, owners: Owners): readonly CheckItem[] {
  const there = { uids: readRanges(system, '/etc/subuid').entries, gids: readRanges(system, '/etc/subgid').entries };
  return people
    .filter(({ subuids, subgids }) => subuids.length + subgids.length > 0)
    .map((user): CheckItem => {
      const name = owners.user(user.username);
      const isTheirs = (range: { name: string }) => range.name === name || range.name === String(owners.uid(user.uid));
      const uids = there.uids.filter(isTheirs);
      const gids = there.gids.filter(isTheirs);
      const wished = {
        uids: user.subuids.map(({ start, count }) => ({ start: owners.uid(start), count })),
        gids: user.subgids.map(({ start, count }) => ({ start: owners.gid(start), count })),
      };
      const isRight = holds(uids, wished.uids) && holds(gids, wished.gids);
      const isSame = holds(uids, user.subuids) && holds(gids, user.subgids);
      return {
        id: `subids:${user.username}`,
        group: 'accounts',
        title: `subordinate ids of ${name}`,
        expected: described(user.subuids, user.subgids),
        observed: described(uids, gids),
        verdict: isRight ? (isSame ? 'same' : 'changed') : 'failed',
        evidence: `the lines of ${name} in /etc/subuid and /etc/subgid`,
        ...(!isRight && {
          remedy: `give ranges with usermod --add-subuids and --add-subgids: ${described(wished.uids, wished.gids)}`,
        }),
      };
    });
}

const holds = (there: readonly IdRange[], wished: readonly IdRange[]): boolean =>
  wished.every(({ start, count }) => there.some((range) => range.start === start && range.count >= count));

function described(uids: readonly IdRange[], gids: readonly IdRange[]): string {
  const text = (ranges: readonly IdRange[]) =>
    ranges.map(({ start, count }) => `${start} to ${start + count - 1}`).join(', ') || 'none';
  return `users ${text(uids)}; groups ${text(gids)}`;
}
