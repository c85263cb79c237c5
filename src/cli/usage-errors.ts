// What is wrong with a command line, in plain words: clipanion's errors, unknown commands and flags, and what to use instead.

import { SettingsError, textOf } from "../base/errors.ts";
import { closest } from "../base/suggest.ts";
import type { CommandInfo } from "./help/command-metadata.ts";
import { PROGRAM } from "./program-name.ts";

/** Commands and flags of kubectl, of Prefect and of our earlier versions, with what to use here. */
const INSTEAD: Readonly<Record<string, string>> = {
  ps: `use: ${PROGRAM} jobs`,
  ls: `use: ${PROGRAM} jobs`,
  list: `use: ${PROGRAM} jobs`,
  delete: `use: ${PROGRAM} cleanup for what finished, ${PROGRAM} cancel RUN for a run`,
  stop: `use: ${PROGRAM} cancel RUN`,
  kill: `use: ${PROGRAM} cancel RUN --now`,
  start: `use: ${PROGRAM} agent start`,
  uninstall: `use: ${PROGRAM} install with the same options, and pipe it to kubectl delete -f -`,
  worker: `work pools are not supported; for flow runs of Prefect 0.x and 1.x use: ${PROGRAM} agent start`,
  "--pool": "work pools are not supported; choose flow runs of Prefect 0.x and 1.x by --label",
  "--work-queue": "work queues are not supported; choose flow runs of Prefect 0.x and 1.x by --label",
  "--stale": `use: ${PROGRAM} cleanup --dry-run`,
  "--all": "use -A for all namespaces",
  "--force": "use --now to cancel without waiting, or --yes to delete without asking",
  "--grace-period": "use --grace, or --now for none",
  "--sort-by": "use -o json and jq",
};

/** An error's message, and its hint if it has one of its own. */
type Text = readonly [message: string, hint?: string | undefined];

/** clipanion's messages in plain words; `what` is the word that the message names. */
const MESSAGES: readonly (readonly [RegExp, (what: string, command: CommandInfo) => Text])[] = [
  [/^Not enough arguments to option (.+)\.$/, (flag) => [`${flag} needs a value`]],
  [/^Not enough positional arguments/, (_, { args }) => [`${args.replace(/ .*/, "")} is missing`]],
  [/^Extraneous positional argument \("(.*)"\)/s, (word) => [`unexpected argument "${word}"`]],
  [/^(?:Unsupported|Invalid) option name \("([^"=]*)/, wrongFlag],
];

/** The error for arguments that clipanion does not accept. Its own text lists every option of the command. */
export function wrongArguments(error: unknown, command: CommandInfo): SettingsError {
  const reason = reasonOf(error);
  const usage = `usage: ${usageLine(command)}; all options: ${PROGRAM} ${command.name} --help`;
  for (const [pattern, textFor] of MESSAGES) {
    const found = pattern.exec(reason);
    if (found === null) continue;
    const [message, hint = usage] = textFor(found[1] ?? "", command);
    return new SettingsError(message, { hint });
  }
  return new SettingsError(reason, { hint: usage });
}

function wrongFlag(flag: string, { options, allOptions }: CommandInfo): Text {
  if (allOptions.some(({ names }) => names.includes(flag))) return [`${flag} takes no value`];
  const flags = options.map((option) => option.flag);
  return [`unknown flag "${flag}"`, instead(flag, flags)];
}

/** The error for a line that names no command. */
export function unknownCommand(
  [first = "", second]: readonly string[],
  commands: readonly CommandInfo[],
): SettingsError {
  const help = `all commands: ${PROGRAM} --help`;
  if (first === "") return new SettingsError("no command given", { hint: help });
  // Not the long aliases such as `agent kubernetes start`.
  const paths = commands.flatMap((command) => command.paths.filter((path) => path.length <= 2));
  const names = paths.map((path) => path.join(" "));
  const isGroup = names.some((name) => name.startsWith(`${first} `));
  const typed = isGroup && second !== undefined ? `${first} ${second}` : first;
  return new SettingsError(`unknown command "${typed}"`, { hint: instead(typed, names) ?? help });
}

/** `kubectl prefect inspect RUN [options]`. */
export function usageLine({ name, args }: CommandInfo): string {
  return [PROGRAM, name, args, "[options]"].filter((part) => part !== "").join(" ");
}

function instead(typed: string, words: readonly string[]): string | undefined {
  if (Object.hasOwn(INSTEAD, typed)) return INSTEAD[typed];
  const found = closest(typed, words).map((word) => `"${word}"`);
  return found.length === 0 ? undefined : `did you mean ${found.join(" or ")}?`;
}

/** clipanion's reason: from a candidate, else from its message. */
function reasonOf(error: unknown): string {
  const candidates =
    error instanceof Error && "candidates" in error && Array.isArray(error.candidates)
      ? (error.candidates as { readonly reason: string | null }[])
      : [];
  return candidates.find(({ reason }) => reason !== null)?.reason ?? textOf(error).split("\n")[0] ?? "";
}
