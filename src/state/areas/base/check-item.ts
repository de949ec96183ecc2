/**
 * `same`: as captured. `changed`: other than captured, as was wished or has to be (another uid, the new machine's name).
 * `person`: somebody has to decide or do something. `skipped`: left out, and why. `failed`: it should be there and is not.
 */
export type Verdict = 'same' | 'changed' | 'person' | 'failed' | 'skipped';

/** The groups of a checklist that the origin names; each area and each application has one of its own beside them. */
export const ORIGIN_GROUPS = [
  'hostname',
  'media connection',
  'networking files',
  'home',
  'passwords',
  'filesystems',
  '/usr/local',
  'ttys',
  'remote printers',
  'backup include/exclude lists',
  'application information',
] as const;

export interface CheckItem {
  /** `kind:name`, as in the plan. Ids of one area's items differ. */
  readonly id: string;
  /** Where it stands: one of `ORIGIN_GROUPS`, an area's name, or `application NAME`. */
  readonly group: string;
  readonly title: string;
  /** For people, of one line; never a secret: of a password, only that it is there and of which kind. */
  readonly expected: string;
  readonly observed: string;
  readonly verdict: Verdict;
  /** How it is known: the file and field that were read, the program that was asked. */
  readonly evidence: string;
  /** What a person can do; where the verdict is `person` or `failed` there is one. */
  readonly remedy?: string;
}
