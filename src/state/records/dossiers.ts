/** The records of each migration, by its association. */
import type { AssociationId } from '../../common/ids.ts';
import type { Kept, KeptOf } from './known.ts';
import { isOf } from './record.ts';

export interface Dossier {
  readonly id: AssociationId;
  /** Undefined while others speak of an association that is not here. */
  association: KeptOf<'association'> | undefined;
  namings: readonly KeptOf<'naming'>[];
  endings: readonly KeptOf<'ending'>[];
  events: readonly KeptOf<'event'>[];
}

/** One for all that are empty: there may be tens of thousands. */
const NOTHING: readonly never[] = Object.freeze([]);

export class Dossiers {
  readonly #byId = new Map<AssociationId, Dossier>();

  add(record: Kept): void {
    if (isOf(record, 'association')) this.#dossier(record.hash as string as AssociationId).association = record;
    else if (isOf(record, 'naming')) {
      const dossier = this.#dossier(record.body.association);
      dossier.namings = appended(dossier.namings, record);
    } else if (isOf(record, 'ending')) {
      const dossier = this.#dossier(record.body.association);
      dossier.endings = appended(dossier.endings, record);
    } else if (isOf(record, 'event')) {
      const dossier = this.#dossier(record.body.association);
      dossier.events = appended(dossier.events, record);
    }
  }

  dropEvent(record: KeptOf<'event'>): void {
    const dossier = this.#byId.get(record.body.association);
    if (dossier) dossier.events = dossier.events.filter((event) => event !== record);
  }

  get(id: AssociationId): Dossier | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<Dossier> {
    return this.#byId.values();
  }

  #dossier(id: AssociationId): Dossier {
    const known = this.#byId.get(id);
    if (known) return known;
    const dossier: Dossier = { id, association: undefined, namings: NOTHING, endings: NOTHING, events: NOTHING };
    this.#byId.set(id, dossier);
    return dossier;
  }
}

/** A short list with one more, in no more memory than it needs: `push` makes room for sixteen. */
export function appended<T>(list: readonly T[], item: T): readonly T[] {
  if (list.length < 32) return list.concat([item]);
  (list as T[]).push(item);
  return list;
}
