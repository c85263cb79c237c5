// argv → command → exit code.

import type { CliContext } from "./context.ts";
import { reportError } from "./errors.ts";
import { readArgv, type ParsedArgv } from "./help/argv.ts";
import { commandMetadata, type CommandInfo } from "./help/command-metadata.ts";
import type { BaseCommand } from "./options/base-command.ts";
import { NamespacedCommand, NO_RUN } from "./options/namespaced-command.ts";
import { COMMANDS } from "./program.ts";
import { unknownCommand, wrongArguments } from "./usage-errors.ts";

/** Runs one command line and returns the exit code. Data goes to stdout, errors to stderr. */
export async function run(argv: readonly string[], context: CliContext): Promise<number> {
  const [first, ...others] = argv;
  if (first === "--version") return run(["version", ...others], context);
  if (first === "help") return run([...others, "--help"], context);
  const commands = commandMetadata(COMMANDS);
  if (first === "__complete") {
    const { complete } = await import("./completion/complete.ts");
    return complete(others, commands, context);
  }
  const parsed = readArgv(argv, commands);
  const { command, args, wantsHelp } = parsed;
  if (command === undefined || wantsHelp) return help(parsed, commands, context);
  let ready: BaseCommand | undefined;
  try {
    ready = parsedCommand(command, args, context);
    return await ready.execute();
  } catch (error) {
    return ready === undefined ? reportError(error, context) : ready.reportError(error);
  }
}

/** Where RUN is missing, the command may find it by itself. Throws SettingsError. */
function parsedCommand(command: CommandInfo, args: readonly string[], context: CliContext): BaseCommand {
  try {
    return command.parse(args, context);
  } catch (error) {
    const failure = wrongArguments(error, command);
    if (failure.message !== "RUN is missing") throw failure;
    const ready = command.parse([...args, NO_RUN], context);
    if (ready instanceof NamespacedCommand && ready.mayLackRun()) return ready;
    throw failure;
  }
}

/** The name of the command in a line, wherever it stands between options; "" if there is none. */
export function commandNameIn(argv: readonly string[]): string {
  return readArgv(argv, commandMetadata(COMMANDS)).command?.name ?? "";
}

/** Help for the command, for those that begin so, or for all; like kubectl, an unfinished command is no error. */
async function help(
  parsed: ParsedArgv,
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<number> {
  const { command, words, args, wantsHelp } = parsed;
  const isBelow = (path: readonly string[]): boolean =>
    path.length > words.length && words.every((word, at) => path[at] === word);
  const below = commands.filter(({ paths }) => paths.some(isBelow));
  const isUnfinished = below.length > 0 && (wantsHelp || args.length === words.length);
  if (command === undefined && !isUnfinished) {
    return reportError(unknownCommand(parsed, commands), context);
  }
  const { commandHelp, commandsHelp, helpWidth } = await import("./help/help.ts");
  const stream = wantsHelp || words.length === 0 ? context.stdout : context.stderr;
  const width = helpWidth(context.stdout);
  stream.write(command === undefined ? commandsHelp(words, below, width) : commandHelp(command, width));
  return 0;
}
