/** What is left of the words of those who were revoked: the records up to the last accepted one. */
import type { PeerIdText } from '../../common/ids.ts';
import { ancestors, type ByHash } from './chain.ts';
import type { KnownOf, KnownRecord } from './known.ts';
import type { RecordHash } from './types.ts';

interface Cut {
  readonly accepted: ReadonlySet<RecordHash>;
  /** False while records up to the last accepted one are not here yet. */
  readonly complete: boolean;
  /** The last accepted records that the revocations name. */
  readonly tips: readonly RecordHash[];
  /** When it was first revoked, by the revokers' clocks. */
  readonly since: number;
}

/** Grows while the roster is computed: first by the authority's revocations, then by the operators'. */
export class Cuts {
  readonly #records: ByHash;
  readonly #cuts = new Map<PeerIdText, Cut>();

  constructor(records: ByHash) {
    this.#records = records;
  }

  /** Of several revocations of one peer, only what all of them accept stays. */
  revoke(revocation: KnownOf<'revocation'>): void {
    const { peerId, lastAccepted } = revocation.body;
    const { hashes, complete } = ancestors(this.#records, lastAccepted);
    const before = this.#cuts.get(peerId);
    this.#cuts.set(peerId, {
      accepted: before ? new Set([...hashes].filter((hash) => before.accepted.has(hash))) : hashes,
      tips: [...(before?.tips ?? []), ...(lastAccepted === null ? [] : [lastAccepted])],
      complete: complete && (before?.complete ?? true),
      since: Math.min(revocation.header.time, before?.since ?? revocation.header.time),
    });
  }

  /** Those who were revoked. */
  peers(): Iterable<PeerIdText> {
    return this.#cuts.keys();
  }

  since(peerId: PeerIdText): number | undefined {
    return this.#cuts.get(peerId)?.since;
  }

  /** Until these are here, nothing that this peer signed counts. */
  tips(peerId: PeerIdText): readonly RecordHash[] {
    return this.#cuts.get(peerId)?.tips ?? [];
  }

  /** True if no revocation speaks against this record. */
  accepts(record: KnownRecord): boolean {
    return this.#cuts.get(record.header.signer)?.accepted.has(record.hash) ?? true;
  }

  /** True if the record is known to come after what was accepted, so that nobody needs it. */
  excludes(record: KnownRecord): boolean {
    const cut = this.#cuts.get(record.header.signer);
    return cut?.complete === true && !cut.accepted.has(record.hash);
  }
}
