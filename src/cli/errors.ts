// Turns errors into text and exit codes; no other file does.

import { UsageError } from "clipanion";
import { EXIT, ExpectedError, textOf } from "../base/errors.ts";
import { suggest } from "../base/suggest.ts";
import { oneLine } from "../output/clean.ts";
import { PROGRAM } from "./program-name.ts";
import type { CliContext } from "./context.ts";

const MAX_LINE = 4_000;
const BUG_REPORTS = "https://github.com/kubectl-prefect/kubectl-prefect/issues";

/** Writes an error to stderr and returns the exit code. `verbose` adds causes and, for a bug, the stack. */
export function reportError(
  error: unknown,
  context: Pick<CliContext, "stderr" | "signal">,
  verbose: boolean,
): number {
  const lines = linesOf(error, context.signal, verbose);
  context.stderr.write(`${lines.map(shown).join("\n")}\n`);
  if (error instanceof ExpectedError) return error.exitCode;
  if (error instanceof UsageError) return EXIT.usage;
  return context.signal.aborted ? EXIT.interrupted : 1;
}

/** One line of an error, which an API may have answered at any length. */
function shown(line: string): string {
  const text = oneLine(line);
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}

function linesOf(error: unknown, signal: AbortSignal, verbose: boolean): string[] {
  if (error instanceof UsageError) return [`error: ${error.message}`, "hint: see --help"];
  if (error instanceof ExpectedError) {
    const hint = error.hint === undefined ? [] : [`hint: ${error.hint}`];
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

/** The error for a wrong command line, with a hint; clipanion's own text lists every option of every command. */
export function reportUsage(
  error: unknown,
  parsed: {
    readonly command:
      | { readonly name: string; readonly options: readonly { readonly flag: string }[] }
      | undefined;
    readonly words: readonly string[];
  },
  names: readonly string[],
): string {
  const { command, words } = parsed;
  if (command !== undefined) {
    const reason = reasonOf(error);
    const [, flag] = /\("(--[^"=]+)[^"]*"\)/.exec(reason) ?? [];
    const flags = command.options.map((option) => option.flag);
    const suggestion = flag === undefined ? undefined : suggest(flag, flags);
    return usageError(reason, `All options: ${PROGRAM} ${command.name} --help`, suggestion);
  }
  if (words.length === 0) return usageError("no command given", `All commands: ${PROGRAM} --help`, undefined);
  const text = words.slice(0, 2).join(" ");
  const suggestion = suggest(text, names) ?? suggest(words[0] ?? "", names);
  return usageError(`unknown command "${text}"`, `All commands: ${PROGRAM} --help`, suggestion);
}

function usageError(reason: string, help: string, suggestion: string | undefined): string {
  const hint = suggestion === undefined ? help : `did you mean "${suggestion}"? ${help}`;
  return `error: ${oneLine(reason)}\nhint: ${oneLine(hint)}\n`;
}

/** clipanion's reason: from a candidate, else from its message. */
function reasonOf(error: unknown): string {
  const candidates =
    error instanceof Error && "candidates" in error && Array.isArray(error.candidates)
      ? (error.candidates as { reason: string | null }[])
      : [];
  const specific = candidates.find(({ reason }) => reason !== null)?.reason;
  const text = specific ?? textOf(error).replace(/^(?:Unknown Syntax Error|Usage Error): /, "");
  const first = (text.split("\n")[0] ?? "").replace(/[.:]$/, "");
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}`;
}
