// What every command has: verbosity, colour, and how it prints and ends.

import { Command, Option } from "clipanion";
import type { Palette } from "../../output/palette.ts";
import type { CliContext } from "../context.ts";
import { report } from "../errors.ts";

/** Every command: verbosity and colour. */
export abstract class BaseCommand extends Command<CliContext> {
  verbose = Option.Boolean("-v,--verbose", false, { description: "say more, and why an error happened" });
  color = Option.String("--color", "auto", {
    description: "when to colour (default auto: on a terminal, unless NO_COLOR is set)",
  });

  /** clipanion would print errors on stdout, and a caught one would count as success. */
  override async validateAndExecute(): Promise<number> {
    try {
      return await super.validateAndExecute();
    } catch (error) {
      return report(error, this.context, this.verbose);
    }
  }

  /** A line for people, on stderr. */
  protected note(line: string): void {
    this.context.stderr.write(`${line}\n`);
  }

  /** Data, on stdout. */
  protected print(text: string): void {
    this.context.stdout.write(text);
  }

  /** The colours for standard output. Throws SettingsError for a --color that there is not. */
  protected async palette(): Promise<Palette> {
    const { colourFor, parseColourMode } = await import("../../output/palette.ts");
    return colourFor(
      parseColourMode(this.color),
      { isTTY: isTerminal(this.context.stdout) },
      this.context.env,
    );
  }
}

/** Whether the stream is a terminal. */
export function isTerminal(stream: object): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}
