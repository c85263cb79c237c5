// Turns errors into text and exit codes; no other file does.

import { EXIT, ExpectedError, InterruptedError, textOf } from "../base/errors.ts";
import { oneLine } from "../output/clean.ts";
import { terminalWidth } from "../output/terminal.ts";
import { messageLines } from "../output/wrap.ts";
import type { CliContext } from "./context.ts";

const MAX_LINE = 4_000;
const BUG_REPORTS = "https://github.com/kubectl-prefect/kubectl-prefect/issues";

/** Writes an error to stderr and returns the exit code. `complete` completes the commands in its hint. */
export function reportError(
  thrown: unknown,
  { stderr, signal, verbose }: Pick<CliContext, "stderr" | "signal"> & { readonly verbose?: boolean },
  complete: (hint: string) => string = (hint) => hint,
): number {
  const isInterrupted = signal.aborted && !(thrown instanceof ExpectedError);
  const error = isInterrupted ? new InterruptedError("interrupted") : thrown;
  const lines =
    error instanceof ExpectedError
      ? [`error: ${error.message}`, ...(error.hint === undefined ? [] : [`hint: ${complete(error.hint)}`])]
      : [`error: internal error: ${textOf(error)}`, `hint: please report it at ${BUG_REPORTS}, with -v`];
  const details = verbose === true ? detailsOf(error) : [];
  const width = terminalWidth(stderr);
  const text = [...lines, ...details].flatMap((line) => messageLines(shown(line), width)).join("\n");
  stderr.write(`${text}\n`);
  return error instanceof ExpectedError ? error.exitCode : EXIT.failure;
}

/** One line of an error, which an API may have answered at any length. */
function shown(line: string): string {
  const text = oneLine(line);
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

/** The causes of an error; of a bug the stack. */
function detailsOf(error: unknown): readonly string[] {
  if (!(error instanceof ExpectedError)) return error instanceof Error ? (error.stack ?? "").split("\n") : [];
  const lines: string[] = [];
  for (let { cause } = error; cause !== undefined && lines.length < 5;) {
    lines.push(`because: ${textOf(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}
