// argv → command → exit code.

import { Cli } from "clipanion";
import { version } from "../version.ts";
import type { CliContext } from "./context.ts";
import { COMMANDS } from "./program.ts";
import { reportUsage } from "./report.ts";

const WRONG_USAGE = 2;

/** Runs one command line. Data is on stdout; every error is on stderr, and its code is returned. */
export async function run(argv: readonly string[], context: CliContext, colours: boolean): Promise<number> {
  const cli = new Cli<CliContext>({
    binaryLabel: "kubectl prefect",
    binaryName: "kubectl prefect",
    binaryVersion: version,
    enableColors: colours,
  });
  for (const command of COMMANDS) cli.register(command);
  let command;
  try {
    // Not cli.run(argv): that prints wrong usage on stdout and answers 1.
    command = cli.process([...argv], context);
  } catch (error) {
    const paths = COMMANDS.flatMap((each) => each.paths ?? []);
    context.stderr.write(reportUsage(error, argv, paths));
    return WRONG_USAGE;
  }
  return cli.run(command, context);
}
