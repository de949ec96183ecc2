import { OWNER_NAMES_MAX } from '../../common/limits.ts';
import { damaged } from '../format/damaged.ts';
import type { ManifestPart } from '../format/index.ts';

type Names = ReadonlyMap<number, Uint8Array>;

/** Names of owners by number. A folder may be told in a later part than the one that names its owner. */
export class OwnerNames {
  readonly #users = new Map<number, Uint8Array>();
  readonly #groups = new Map<number, Uint8Array>();

  add({ userNames, groupNames }: Pick<ManifestPart, 'userNames' | 'groupNames'>): void {
    keep(this.#users, userNames);
    keep(this.#groups, groupNames);
  }

  user(uid: number): Uint8Array | undefined {
    return this.#users.get(uid);
  }

  group(gid: number): Uint8Array | undefined {
    return this.#groups.get(gid);
  }
}

function keep(all: Map<number, Uint8Array>, names: Names): void {
  // A copy: what was decoded holds on to the whole part.
  for (const [id, name] of names) if (!all.has(id)) all.set(id, Buffer.from(name));
  if (all.size > OWNER_NAMES_MAX) throw damaged('the manifest names too many owners');
}
