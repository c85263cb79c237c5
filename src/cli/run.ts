// argv → command → exit code.

import { Cli } from "clipanion";
import type { Command, CommandClass } from "clipanion";
import { version } from "../version.ts";
import { commandsBelow, readArgv } from "./help/argv.ts";
import type { Meant } from "./help/argv.ts";
import { commandMetadata } from "./help/command-metadata.ts";
import type { CommandInfo } from "./help/command-metadata.ts";
import type { CliContext } from "./context.ts";
import { COMMANDS } from "./program.ts";
import { PROGRAM } from "./program-name.ts";
import { reportUsage } from "./errors.ts";

const WRONG_USAGE = 2;

/** Runs one command line. Data is on stdout; every error is on stderr, and its code is returned. */
export async function run(argv: readonly string[], context: CliContext, colours: boolean): Promise<number> {
  if (argv[0] === "__complete") {
    const { complete } = await import("./completion/complete.ts");
    return complete(argv.slice(1), commandMetadata(COMMANDS), context);
  }
  const commands = commandMetadata(commandsFor(argv));
  const meant = readArgv(argv, commands);
  const helped = await help(meant, commands, context);
  if (helped !== undefined) return helped;
  if (meant.command === undefined) return wrongUsage(undefined, meant, context);
  const cli = new Cli<CliContext>({ binaryName: PROGRAM, binaryVersion: version, enableColors: colours });
  let command: Command<CliContext>;
  try {
    cli.register(withoutPaths(meant.command.class));
    // Not cli.run(argv): that prints wrong usage on stdout and answers 1.
    command = cli.process([...meant.rest], context);
  } catch (error) {
    return wrongUsage(error, meant, context);
  }
  return cli.run(command, context);
}

/** The one command that the line begins with, else all: reading all of them takes a good part of a short command. */
function commandsFor(argv: readonly string[]): readonly CommandClass<CliContext>[] {
  const fitting = COMMANDS.filter(({ paths = [] }) =>
    paths.some((path) => path.every((word, at) => argv[at] === word)),
  );
  return fitting.length === 1 ? fitting : COMMANDS;
}

/** The command, without its paths: clipanion takes ten times as long when it has to find the command by itself. */
function withoutPaths(command: CommandClass<CliContext>): CommandClass<CliContext> {
  // TypeScript would have us write execute() once more.
  const Base = command as unknown as new () => object;
  const Pathless = class extends Base {
    static paths: string[][] = [];
  };
  return Pathless as unknown as CommandClass<CliContext>;
}

function wrongUsage(error: unknown, meant: Pick<Meant, "command" | "words">, context: CliContext): number {
  const names = COMMANDS.flatMap(({ paths = [] }) => paths.map((path) => path.join(" ")));
  context.stderr.write(reportUsage(error, meant, names));
  return WRONG_USAGE;
}

/** Help where it is asked for, or where a command line stops short of a command: as kubectl, without failing. */
async function help(
  meant: Meant,
  commands: readonly CommandInfo[],
  context: CliContext,
): Promise<number | undefined> {
  const asked = meant.wantsHelp || meant.words[0] === "help";
  const words = meant.words[0] === "help" ? meant.words.slice(1) : meant.words;
  const isBare = meant.command === undefined && meant.rest.length === words.length;
  if (!asked && !isBare) return undefined;
  const { commandHelp, groupHelp, overviewHelp } = await import("./help/help.ts");
  const command = asked ? readArgv(words, commands).command : undefined;
  if (command !== undefined) context.stdout.write(commandHelp(command));
  else if (words.length === 0) context.stdout.write(overviewHelp(commands));
  else if (commandsBelow(words, commands).length === 0) {
    return wrongUsage(undefined, { command: undefined, words }, context);
  } else (asked ? context.stdout : context.stderr).write(groupHelp(words, commands));
  return 0;
}
