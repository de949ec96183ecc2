/** Who becomes whom on the target. Plain data. */
export interface OwnerTable {
  readonly users: readonly MappedUser[];
  readonly groups: readonly MappedGroup[];
  /** What lies elsewhere, with all beneath: homes and mail spools of people who have another name or another home. */
  readonly paths: readonly { readonly from: string; readonly to: string }[];
  readonly uidRanges: readonly MappedRange[];
  readonly gidRanges: readonly MappedRange[];
}

export interface MappedUser {
  /** A name; a number where only that is known. */
  readonly from: string;
  /** Undefined where the snapshot does not say it. */
  readonly fromUid?: number;
  readonly to: string;
  /** Never 0. */
  readonly toUid: number;
  /** Undefined where it is none that a person can have: `/`, `/nonexistent`, a folder of the system. */
  readonly fromHome?: string;
  readonly toHome?: string;
  /** Where `fromHome` is a link: the folder that it leads to. */
  readonly fromLink?: string;
  /** Not on the target yet; it is for the area accounts to add. */
  readonly isNew: boolean;
}

export interface MappedGroup {
  readonly from: string;
  readonly fromGid: number;
  readonly to: string;
  /** Never 0. */
  readonly toGid: number;
  readonly isNew: boolean;
}

/** Subordinate ids, `count` from each start. */
export interface MappedRange {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Nobody is mapped. */
export const NO_OWNERS: OwnerTable = { users: [], groups: [], paths: [], uidRanges: [], gidRanges: [] };
