/** What a check says: one sentence of fact, and one of what to do about it. */

/** `unknown` means that it could not be looked at, and is no good sign. */
export type Verdict = 'ok' | 'warning' | 'fault' | 'unknown';

export interface Finding {
  /** Which check this is: a stable word for scripts. */
  readonly name: CheckName;
  readonly verdict: Verdict;
  /** What it is about: an interface, a machine, an address. */
  readonly subject: string;
  readonly message: string;
  /** What a person can do. Empty where nothing is to be done. */
  readonly remedy: string;
}

export type CheckName =
  | 'agent'
  | 'interface'
  | 'left-out'
  | 'subnets'
  | 'route'
  | 'firewall'
  | 'listening'
  | 'multicast'
  | 'duplicate'
  | 'fleet'
  | 'seed'
  | 'address'
  | 'peer'
  | 'clock'
  | 'other-side';

type Make = (name: CheckName, subject: string, message: string, remedy?: string) => Finding;

const make =
  (verdict: Verdict): Make =>
  (name, subject, message, remedy = '') => ({ name, verdict, subject, message, remedy });

export const ok = make('ok');
export const warning = make('warning');
export const fault = make('fault');
export const unknown = make('unknown');
