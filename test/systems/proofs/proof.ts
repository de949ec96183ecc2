export interface Proof {
  /** Where the issue has it: accounts, printers, … */
  readonly group: string;
  readonly name: string;
  readonly script: string;
  /** Only of a machine that is the same, reinstalled. */
  readonly onlySame?: boolean;
  /** The next release says it in other words, or has it in another way. */
  readonly differs?: boolean;
  /** Only where the area was named: a restore that names none withholds it. */
  readonly onlyAsked?: boolean;
}
