/** What the plan says to those who restore files, and to a person. */
export interface PlanExtras {
  /** Paths of the target whose programs run there: files for them, or beneath them, have to wait for a person. */
  readonly blocked: readonly { readonly path: string; readonly remedy: string }[];
  /** Captured paths of files that areas bring, or withhold: they do not come with a folder that they lie in. */
  readonly carried: readonly string[];
  /** A script that a person may run: it installs what the captured machine had and this one lacks. */
  readonly installScript?: string;
}

export const NO_EXTRAS: PlanExtras = { blocked: [], carried: [] };
