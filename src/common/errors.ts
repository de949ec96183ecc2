/** What can go wrong, by a stable code, and the exit status that each code means for scripts. */
const EXIT_BY_CODE = {
  failed: 1,
  'agent-not-running': 1,
  'agent-already-running': 1,
  'nothing-left': 1,
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

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
