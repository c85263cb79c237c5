// argv → command → exit code.

import { EXIT } from "../base/errors.ts";
import { Cli } from "clipanion";
import type { Command, CommandClass } from "clipanion";
import { version } from "../version.ts";
import { commandsBelow, readArgv } from "./help/argv.ts";
import type { ParsedArgv } from "./help/argv.ts";
import { commandMetadata } from "./help/command-metadata.ts";
import type { CommandInfo } from "./help/command-metadata.ts";
import type { CliContext } from "./context.ts";
import { COMMANDS } from "./program.ts";
import { PROGRAM } from "./program-name.ts";
import { reportUsage } from "./errors.ts";

/** Runs one command line and returns the exit code. Data goes to stdout, errors to stderr. */
export async function run(
  argv: readonly string[],
  context: CliContext,
  useColours: boolean,
): Promise<number> {
  if (argv[0] === "__complete") {
    const { complete } = await import("./completion/complete.ts");
    return complete(argv.slice(1), commandMetadata(COMMANDS), context);
  }
  const commands = commandMetadata(commandsFor(argv));
  const parsed = readArgv(argv, commands);
  const helpCode = await help(parsed, commands, context);
  if (helpCode !== undefined) return helpCode;
  if (parsed.command === undefined) return wrongUsage(undefined, parsed, context);
  const cli = new Cli<CliContext>({ binaryName: PROGRAM, binaryVersion: version, enableColors: useColours });
  let command: Command<CliContext>;
  try {
    cli.register(withoutPaths(parsed.command.class));
    // Not cli.run(argv): it prints usage errors on stdout and returns 1.
    command = cli.process([...parsed.rest], context);
  } catch (error) {
    return wrongUsage(error, parsed, context);
  }
  return cli.run(command, context);
}

/** The name of the command in a line, wherever it stands between options; "" if there is none. */
export function commandNameIn(argv: readonly string[]): string {
  return readArgv(argv, commandMetadata(commandsFor(argv))).command?.name ?? "";
}

/** The command that the line starts with, else all: instantiating all of them is slow. */
function commandsFor(argv: readonly string[]): readonly CommandClass<CliContext>[] {
  const matching = COMMANDS.filter(({ paths = [] }) =>
    paths.some((path) => path.every((word, at) => argv[at] === word)),
  );
  return matching.length === 1 ? matching : COMMANDS;
}

/** The command without its paths: clipanion takes ten times as long when it has to match them. */
function withoutPaths(command: CommandClass<CliContext>): CommandClass<CliContext> {
  // As a plain class, because TypeScript would require execute() here.
  const Base = command as unknown as new () => object;
  const WithoutPaths = class extends Base {
    static paths: string[][] = [];
  };
  return WithoutPaths as unknown as CommandClass<CliContext>;
}

function wrongUsage(
  error: unknown,
  parsed: Pick<ParsedArgv, "command" | "words">,
  context: CliContext,
): number {
  const names = COMMANDS.flatMap(({ paths = [] }) => paths.map((path) => path.join(" ")));
  context.stderr.write(reportUsage(error, parsed, names));
  return EXIT.usage;
}

/** Prints help if requested, or if the line names no command; like kubectl, that is no error. */
async function help(
  parsed: ParsedArgv,
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<number | undefined> {
  const isRequested = parsed.wantsHelp || parsed.words[0] === "help";
  const words = parsed.words[0] === "help" ? parsed.words.slice(1) : parsed.words;
  const isBare = parsed.command === undefined && parsed.rest.length === words.length;
  if (!isRequested && !isBare) return undefined;
  const { commandHelp, groupHelp, overviewHelp } = await import("./help/help.ts");
  const command = isRequested ? readArgv(words, commands).command : undefined;
  if (command !== undefined) context.stdout.write(commandHelp(command));
  else if (words.length === 0) context.stdout.write(overviewHelp(commands));
  else if (commandsBelow(words, commands).length === 0) {
    return wrongUsage(undefined, { command: undefined, words }, context);
  } else (isRequested ? context.stdout : context.stderr).write(groupHelp(words, commands));
  return 0;
}
