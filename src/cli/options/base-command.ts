// What all commands share: verbosity, colours, printing and error handling.

import { Command, Option } from "clipanion";
import { oneLine, writeStyled } from "../../output/clean.ts";
import { terminalWidth } from "../../output/terminal.ts";
import { messageLines } from "../../output/wrap.ts";
import type { Style } from "../../output/palette.ts";
import type { CliContext } from "../context.ts";
import { reportError } from "../errors.ts";
import { switchOption } from "./option-group.ts";

export abstract class BaseCommand extends Command<CliContext> {
  verbose = switchOption("-v,--verbose", "print more details, and the causes of an error");
  // run.ts answers it, before the command is parsed.
  override help = switchOption("-h,--help", "show what the command does and its options");
  color = Option.String("--color", "auto", {
    description: "when to use colours (default auto: on a terminal, unless NO_COLOR is set)",
  });

  /** The exit code. Throws what is wrong. */
  abstract override execute(): Promise<number>;

  reportError(error: unknown): number {
    const { stderr, signal } = this.context;
    return reportError(error, { stderr, signal, verbose: this.verbose }, (hint) => this.completeHint(hint));
  }

  /** A hint with the user's own flags in the commands that it shows. */
  protected completeHint(hint: string): string {
    return hint;
  }

  /** Prints a message for people on stderr: one line, wrapped on a terminal. */
  protected printMessage(line: string): void {
    const { stderr } = this.context;
    stderr.write(`${messageLines(oneLine(line), terminalWidth(stderr)).join("\n")}\n`);
  }

  protected print(text: string): void {
    this.context.stdout.write(text);
  }

  protected async printObject(value: unknown, format: "json" | "yaml"): Promise<void> {
    const { objectText } = await import("../../output/object-text.ts");
    this.print(objectText(value, format));
  }

  /** Prints text with colours on stdout; what others wrote in it must be printable. */
  protected printStyled(text: string): void {
    writeStyled(this.context.stdout, text);
  }

  /** How text is set on stdout. Throws SettingsError for an unknown --color. */
  protected async style(): Promise<Style> {
    const { styleFor } = await import("../../output/palette.ts");
    return styleFor(this.color, this.context.stdout, this.context.env);
  }
}

export function isTerminal(stream: object): boolean {
  return "isTTY" in stream && stream.isTTY === true;
}
