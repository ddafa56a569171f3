/**
 * The one error table. Every failure a user can meet has a row here; the exit code follows from the row, never from
 * the place that threw. Exit codes are part of the command surface: scripts depend on them.
 */
export const ERROR_TABLE = {
  VERDICT: { exitCode: 1, retryable: false },
  USAGE: { exitCode: 2, retryable: false },
  INVALID_INPUT: { exitCode: 2, retryable: false },
  MESSAGE_ILLEGAL: { exitCode: 2, retryable: false },
  NOT_FOUND: { exitCode: 3, retryable: false },
  STORE_NOT_FOUND: { exitCode: 3, retryable: false },
  TOPIC_NOT_FOUND: { exitCode: 3, retryable: false },
  GROUP_NOT_FOUND: { exitCode: 3, retryable: false },
  UNREACHABLE: { exitCode: 4, retryable: true },
  TIMED_OUT: { exitCode: 4, retryable: true },
  NOT_CONFIRMED: { exitCode: 4, retryable: true },
  PERMISSION_DENIED: { exitCode: 5, retryable: false },
  READ_ONLY: { exitCode: 5, retryable: false },
  REFUSED: { exitCode: 5, retryable: false },
  UNSUPPORTED: { exitCode: 5, retryable: false },
  LOCKED: { exitCode: 6, retryable: true },
  DAMAGED: { exitCode: 7, retryable: false },
  WRONG_KIND: { exitCode: 7, retryable: false },
  STORAGE_FAILED: { exitCode: 8, retryable: false },
  BUG: { exitCode: 70, retryable: false },
} as const satisfies Record<string, { exitCode: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

export interface Place {
  readonly text: string;
  /** 0-based, of the first character not understood. */
  readonly position: number;
}

export interface ErrorDetails {
  /** What to do about it, one sentence. */
  readonly hint?: string;
  /** 1-based line of standard input or of a file, where there is one. */
  readonly line?: number;
  /** Where in a text, such as an expression: on a terminal it takes the place of the hint. */
  readonly place?: Place;
  readonly cause?: unknown;
}

/** A failure that a user can act on: one line that says what is wrong and where, and a hint that says what to do. */
export class MqliteError extends Error {
  override readonly name = 'MqliteError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly line: number | undefined;
  readonly place: Place | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.line = details.line;
    this.place = details.place;
  }

  get exitCode(): number {
    return ERROR_TABLE[this.code].exitCode;
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }
}
