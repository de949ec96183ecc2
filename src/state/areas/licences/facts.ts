/** What binds a licence, whatever the format: `judge` sorts by it. */
export interface LicenceFacts {
  readonly format:
    | 'FlexNet'
    | 'RLM'
    | 'JetBrains'
    | 'Mathematica'
    | 'SAS'
    | 'Stata'
    | 'Sentinel RMS'
    | 'client settings'
    | 'other';
  /** Whom to ask: a vendor daemon's or product's name. */
  readonly vendor: string;
  /** Features or products, without versions. */
  readonly products: readonly string[];
  /** Machines that hand the licence out. */
  readonly servers: readonly LicenceServer[];
  /** What single features are bound to, as written. */
  readonly hostIds: readonly string[];
  /** Some feature needs a server to count it, and the file names none. */
  readonly lacksServer: boolean;
  /** The last day of the feature that ends last, ms since 1970; undefined where one never ends, or nobody knows. */
  readonly endsMs?: number;
  /** How a format without host ids is to be sorted, and why. */
  readonly fixed?: { readonly sort: LicenceSort; readonly reason: string };
}

export interface LicenceServer {
  readonly host: string;
  readonly hostId: string;
}

/**
 * `portable`: works on another machine as it is. `re-host`: bound to this machine; the vendor issues it anew. `unknown`: a
 * person decides. `never`: made for this machine's hardware alone, and not carried.
 */
export type LicenceSort = 'portable' | 're-host' | 'unknown' | 'never';
