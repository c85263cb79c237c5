// Turns errors into text and exit codes; no other file does.

import { EXIT, ExpectedError, textOf } from "../base/errors.ts";
import { oneLine } from "../output/clean.ts";
import { terminalWidth } from "../output/terminal.ts";
import { messageLines } from "../output/wrap.ts";
import type { CliContext } from "./context.ts";

const MAX_LINE = 4_000;
const BUG_REPORTS = "https://github.com/kubectl-prefect/kubectl-prefect/issues";

export interface ReportOptions {
  /** Adds causes and, for a bug, the stack. */
  readonly verbose: boolean;
  /** Completes the commands in a hint. */
  readonly complete?: (hint: string) => string;
}

/** Writes an error to stderr and returns the exit code. */
export function reportError(
  error: unknown,
  context: Pick<CliContext, "stderr" | "signal">,
  { verbose, complete = (hint) => hint }: ReportOptions,
): number {
  const lines = linesOf(error, context.signal, { verbose, complete });
  const width = terminalWidth(context.stderr);
  context.stderr.write(`${lines.flatMap((line) => messageLines(shown(line), width)).join("\n")}\n`);
  if (error instanceof ExpectedError) return error.exitCode;
  return context.signal.aborted ? EXIT.interrupted : EXIT.failure;
}

/** One line of an error, which an API may have answered at any length. */
function shown(line: string): string {
  const text = oneLine(line);
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

function linesOf(
  error: unknown,
  signal: AbortSignal,
  { verbose, complete }: Required<ReportOptions>,
): string[] {
  if (error instanceof ExpectedError) {
    const hint = error.hint === undefined ? [] : [`hint: ${complete(error.hint)}`];
    return [`error: ${error.message}`, ...hint, ...(verbose ? causesOf(error) : [])];
  }
  if (signal.aborted) return ["error: interrupted"];
  const stack = verbose && error instanceof Error ? (error.stack ?? "").split("\n") : [];
  return [
    `error: internal error: ${textOf(error)}`,
    `hint: please report it at ${BUG_REPORTS}, with -v`,
    ...stack,
  ];
}

function causesOf(error: Error): string[] {
  const lines: string[] = [];
  for (let cause = error.cause; cause !== undefined && lines.length < 5;) {
    lines.push(`because: ${textOf(cause)}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}
