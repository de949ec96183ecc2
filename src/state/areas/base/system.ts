/** What a path of a machine is, as lstat says it. */
export interface Facts {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  /** The low 12 bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
}

export interface ToolResult {
  /** null where a signal or the time limit ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ToolOptions {
  readonly input?: string;
  /** Default 10 s. */
  readonly timeoutMs?: number;
}

/**
 * A machine as an area sees it: the running one, or one whose root is a folder (mounted or unpacked), or one as it will be
 * when what is planned was done. Paths are absolute, as seen on that machine; links lead where they would lead there,
 * never out of its root. Synchronous: for workers.
 */
export interface System {
  /** The folder that is its root; `/` for the machine that runs this. */
  readonly root: string;
  /** Its processes run and can be asked: root is `/`. */
  readonly isLive: boolean;
  /** This process may do what root may. */
  readonly asRoot: boolean;
  /** Of the path itself, a link at its end not followed. Undefined where nothing is, or it cannot be looked at. */
  facts(path: string): Facts | undefined;
  /** A regular file's bytes, links followed. Undefined where there is none, it cannot be read, or is over `maxBytes`. */
  read(path: string, maxBytes?: number): Buffer | undefined;
  /** The same as UTF-8; bad bytes become U+FFFD. */
  text(path: string, maxBytes?: number): string | undefined;
  readLink(path: string): string | undefined;
  /** Names in a folder, ascending; those that are no UTF-8 are left out. None where there is no such folder. */
  list(path: string): readonly string[];
  /** Whether a path is there that this process may not read. */
  isUnreadable(path: string): boolean;
  /**
   * Runs a program of the machine that runs this, with LC_ALL=C and no shell; undefined where it is not installed. Only a live
   * system's programs tell of it: with another root a program gets paths, or `--root`, and is not asked about processes.
   */
  run(tool: string, args: readonly string[], options?: ToolOptions): ToolResult | undefined;
}
