// Expected errors, each with a message and hint for the user and an exit code. Only cli/errors.ts turns them into text.

/** Exit codes that have no error class of their own, too. */
export const EXIT = { failure: 1, usage: 2, interrupted: 130 } as const;

export interface ErrorDetails {
  /** What the user can do about it. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly retryable?: boolean | undefined;
  /** How long the server asks to wait before that. */
  readonly retryAfterMs?: number | undefined;
}

/** The user sees the message and the hint, never a stack trace. Exit code 1. */
export class ExpectedError extends Error {
  readonly exitCode: number = EXIT.failure;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Invalid flags, environment variables, configuration files or job templates. Exit code 2. */
export class SettingsError extends ExpectedError {
  override readonly exitCode = EXIT.usage;
}

/** Ctrl-C, or a signal that ended the command. Exit code 130. */
export class InterruptedError extends ExpectedError {
  override readonly exitCode = EXIT.interrupted;
}

/** The message of any thrown value. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether to retry. Unknown errors are bugs or outages: retry them. */
export function isRetryable(thrown: unknown): boolean {
  return thrown instanceof ExpectedError ? thrown.retryable : true;
}
