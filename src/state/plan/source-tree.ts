/** Where what is captured lies on this machine. */
export interface SourceTree {
  /** The folder that is the captured machine's root; `/` for this one. */
  readonly root: string;
  /** A folder that holds `DOCUMENTS_NAME`, which is captured as if it stood at that root. */
  readonly documents?: string | undefined;
}

export const THIS_MACHINE: SourceTree = { root: '/' };
/** Where an area's documents stand in a snapshot: a folder of this name at the top, that no machine has. */
export const DOCUMENTS_NAME = '.resettle-areas';
