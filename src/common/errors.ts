/** What can go wrong, by a stable code, and the exit status that each code means for scripts. */
const EXIT_BY_CODE = {
  failed: 1,
  'agent-not-running': 1,
  'agent-already-running': 1,
  'nothing-left': 1,
  'no-space': 1,
  usage: 2,
  'not-built': 2,
  'not-empty': 2,
  ambiguous: 2,
  unconfirmed: 2,
  incomplete: 3,
  refused: 4,
  'not-a-member': 4,
  'bad-invite': 4,
  'no-point': 5,
  'not-found': 6,
  damaged: 7,
  interrupted: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_BY_CODE;

export interface ResettleErrorOptions {
  /** What the person can do next, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** The one error that crosses the borders of our folders: what happened, to which object, and what to do next. */
export class ResettleError extends Error {
  override readonly name = 'ResettleError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: ResettleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get exitCode(): number {
    return EXIT_BY_CODE[this.code];
  }
}

/** True for a code of ours, such as one read from another process. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(EXIT_BY_CODE, value);
}

/** The exit status of any error: ours by its code, an abort 130, everything else 1. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ResettleError) return error.exitCode;
  return error instanceof Error && error.name === 'AbortError' ? EXIT_BY_CODE.interrupted : EXIT_BY_CODE.failed;
}

/** What a person can do next where the error itself does not say it. */
const HINT_BY_CODE: Partial<Record<ErrorCode, string>> = {
  usage: 'add --help to the command for what it takes',
  'not-found': 'check the name; "resettle status" and "resettle fleet members" show what there is',
  refused: 'ask an operator of the fleet',
  'no-point': '"resettle points" shows what each point has',
  'no-space': 'free some space there, and run the same command again: it goes on',
  damaged: 'check the disk that it came from, and use another copy',
  interrupted: 'run the same command again',
};

/** The hint of an error; there is always one. */
export function hintOf(error: unknown): string {
  const known = error instanceof ResettleError ? error : undefined;
  if (known?.hint) return known.hint;
  return (known && HINT_BY_CODE[known.code]) ?? "see the agent's log, or run the command again with --verbose";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
