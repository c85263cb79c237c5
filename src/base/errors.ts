// Failures that we foresaw. Each says what the user reads and with which code the process ends;
// cli/run.ts is the one place that prints them.

export interface ErrorDetails {
  /** One thing to do next. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable?: boolean | undefined;
}

/** A failure we foresaw: the user sees its message and hint, never a stack. Exit code 1. */
export class ExpectedError extends Error {
  readonly exitCode: number = 1;
  readonly hint: string | undefined;
  readonly retryable: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = new.target.name;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
  }
}

/** Wrong usage or settings: flags, environment, configuration files, job templates. Exit code 2. */
export class SettingsError extends ExpectedError {
  override readonly exitCode = 2;
}

/** The person pressed Ctrl-C, or a signal ended the command. Exit code 130. */
export class InterruptedError extends ExpectedError {
  override readonly exitCode = 130;
}

/** The text of whatever was thrown, for a log line or for the story of a flow run. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether trying the same thing again later can help. Unknown errors are bugs or outages: retry them. */
export function isRetryable(thrown: unknown): boolean {
  return thrown instanceof ExpectedError ? thrown.retryable : true;
}
