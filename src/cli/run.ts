// argv → command → exit code.

import { Cli } from "clipanion";
import type { Command } from "clipanion";
import { version } from "../version.ts";
import { commandsBelow, readArgv } from "./argv.ts";
import type { Meant } from "./argv.ts";
import { catalogueOf } from "./catalogue.ts";
import type { CommandInfo } from "./catalogue.ts";
import type { CliContext } from "./context.ts";
import { COMMANDS } from "./program.ts";
import { PROGRAM } from "./program-name.ts";
import { reportUsage } from "./report.ts";

const WRONG_USAGE = 2;

/** Runs one command line. Data is on stdout; every error is on stderr, and its code is returned. */
export async function run(argv: readonly string[], context: CliContext, colours: boolean): Promise<number> {
  const cli = new Cli<CliContext>({
    binaryLabel: PROGRAM,
    binaryName: PROGRAM,
    binaryVersion: version,
    enableColors: colours,
  });
  for (const command of COMMANDS) cli.register(command);
  const catalogue = catalogueOf(COMMANDS, cli);
  if (argv[0] === "__complete") {
    const { complete } = await import("./complete.ts");
    return complete(argv.slice(1), catalogue, context);
  }
  const meant = readArgv(argv, catalogue);
  const helped = await help(meant, catalogue, context);
  if (helped !== undefined) return helped;
  let command: Command<CliContext>;
  try {
    // Not cli.run(argv): that prints wrong usage on stdout and answers 1.
    command = cli.process([...meant.argv], context);
  } catch (error) {
    context.stderr.write(reportUsage(error, meant));
    return WRONG_USAGE;
  }
  return cli.run(command, context);
}

/** Help where it is asked for, or where a command line stops short of a command: as kubectl, without failing. */
async function help(
  meant: Meant,
  catalogue: readonly CommandInfo[],
  context: CliContext,
): Promise<number | undefined> {
  const asked = meant.wantsHelp || meant.words[0] === "help";
  const words = meant.words[0] === "help" ? meant.words.slice(1) : meant.words;
  const isBare = meant.command === undefined && meant.argv.length === words.length;
  if (!asked && !isBare) return undefined;
  const { commandHelp, groupHelp, overviewHelp } = await import("./help.ts");
  const command = asked ? readArgv(words, catalogue).command : undefined;
  if (command !== undefined) context.stdout.write(commandHelp(command));
  else if (words.length === 0) context.stdout.write(overviewHelp(catalogue));
  else if (commandsBelow(words, catalogue).length === 0) {
    context.stderr.write(reportUsage(undefined, { command: undefined, words }));
    return WRONG_USAGE;
  }
  else (asked ? context.stdout : context.stderr).write(groupHelp(words, catalogue));
  return 0;
}
