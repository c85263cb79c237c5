// What is wrong with a command line, in plain words: clipanion's errors, unknown commands and flags, and what to use instead.

import { SettingsError, textOf } from "../base/errors.ts";
import { closest } from "../base/suggest.ts";
import type { ParsedArgv } from "./help/argv.ts";
import type { CommandInfo } from "./help/command-metadata.ts";

/** The program's name in help and error messages: that of a kubectl plugin. */
export const PROGRAM = "kubectl prefect";

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
  "--yes": "only cleanup asks: leave it out",
  "--stale": `use: ${PROGRAM} cleanup --dry-run`,
  "--force": "use --now to cancel without waiting, or --yes to delete without asking",
  "--grace-period": "use --grace, or --now for none",
  "--sort-by": "use -o json and jq",
};

const WRONG_FLAG = /^(?:Unsupported|Invalid) option name \("([^"=]*)/;
/** clipanion's messages in plain words; `what` is the word that the message names. */
const MESSAGES: readonly (readonly [RegExp, (what: string, command: CommandInfo) => string])[] = [
  [/^Not enough arguments to option (.+)\.$/, (flag) => `${flag} needs a value`],
  [/^Not enough positional arguments/, (_, { args }) => `${args.replace(/ .*/, "")} is missing`],
  [/^Extraneous positional argument \("(.*)"\)/s, (word) => `unexpected argument "${word}"`],
  [WRONG_FLAG, (flag) => `${flag} takes no value`],
];

/** The error for arguments that clipanion does not accept. Its own text lists every option of the command. */
export function wrongArguments(error: unknown, command: CommandInfo): SettingsError {
  const reason = reasonOf(error);
  const help = `usage: ${usageLine(command)}; all options: ${PROGRAM} ${command.name} --help`;
  const [, flag] = WRONG_FLAG.exec(reason) ?? [];
  if (flag !== undefined && !command.allOptions.some(({ names }) => names.includes(flag))) {
    return unknown("flag", flag, { words: command.options.map((option) => option.flag), help });
  }
  const [message = reason] = MESSAGES.flatMap(([pattern, messageFor]) => {
    const found = pattern.exec(reason);
    return found === null ? [] : [messageFor(found[1] ?? "", command)];
  });
  return new SettingsError(message, { hint: help });
}

/** The error for a line that names no command. */
export function unknownCommand(
  { words: [first = "", second], args }: ParsedArgv,
  commands: readonly CommandInfo[],
): SettingsError {
  const help = `all commands: ${PROGRAM} --help`;
  const flags = commands.flatMap(({ allOptions }) => allOptions.flatMap(({ names }) => names));
  const typed = args.filter((arg) => /^--?\w/.test(arg)).map((arg) => arg.replace(/=.*/s, ""));
  const wrong = typed.find((flag) => !flags.includes(flag));
  // The value of an unknown flag, maybe a key, would look like a command.
  if (wrong !== undefined) return unknown("flag", wrong, { words: [...new Set(flags)], help });
  if (first === "") return new SettingsError("no command given", { hint: help });
  // Not the long aliases such as `agent kubernetes start`.
  const paths = commands.flatMap((command) => command.paths.filter((path) => path.length <= 2));
  const words = paths.map((path) => path.join(" "));
  const isGroup = second !== undefined && words.some((name) => name.startsWith(`${first} `));
  return unknown("command", isGroup ? `${first} ${second}` : first, { words, help });
}

/** `kubectl prefect inspect RUN [options]`. */
export function usageLine({ name, args }: CommandInfo): string {
  return [PROGRAM, name, args, "[options]"].filter((part) => part !== "").join(" ");
}

function unknown(
  what: "flag" | "command",
  typed: string,
  { words, help }: { readonly words: readonly string[]; readonly help: string },
): SettingsError {
  const found = closest(typed, words).map((word) => `"${word}"`);
  const suggestion = found.length === 0 ? help : `did you mean ${found.join(" or ")}?`;
  const hint = Object.hasOwn(INSTEAD, typed) ? INSTEAD[typed] : suggestion;
  return new SettingsError(`unknown ${what} "${typed}"`, { hint });
}

/** clipanion's reason: from a candidate, else from its message. */
function reasonOf(error: unknown): string {
  const { candidates = [] } = error as {
    readonly candidates?: readonly { readonly reason: string | null }[];
  };
  return candidates.find(({ reason }) => reason !== null)?.reason ?? textOf(error).split("\n")[0] ?? "";
}
