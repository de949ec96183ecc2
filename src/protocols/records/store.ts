/** The log of records as the protocol sees it; hashes are hex text. */
export interface RecordStore {
  /** How many records may be passed on whose hash begins with the prefix, and a fingerprint over their hashes. */
  summary(prefix: string): { readonly count: number; readonly fingerprint: Uint8Array };
  /** The same records, each with its place in an order in which another log can take them. */
  entries(prefix: string): readonly { readonly hash: string; readonly number: number }[];
  /** True if a record whose hash begins so is here. */
  hasStart(start: string): boolean;
  /** Envelopes by the starts of their hashes, as many as fit, and how many of the starts that were. */
  envelopes(
    starts: readonly string[],
    max: { readonly records: number; readonly bytes: number },
  ): { readonly envelopes: Uint8Array[]; readonly served: number };
  /** Takes what has a place; never throws for what is in the envelopes. `from` is the peer that brought them. */
  insert(envelopes: readonly Uint8Array[], from: string): Promise<Inserted>;
}

export interface Inserted {
  /** Records that are stored now and were not before. */
  readonly added: number;
  /** Hashes of those that are stored now, whether they were before or not. */
  readonly stored: readonly string[];
  readonly refused: readonly RefusedRecord[];
}

export interface RefusedRecord {
  /** Which of the envelopes that were given. */
  readonly index: number;
  readonly reason: string;
  /** `later`: it may have a place when more is known. `old`: a newer record is here. */
  readonly kind: 'never' | 'later' | 'old';
}
