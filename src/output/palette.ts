// Colours by meaning. The only file that knows which colour is which.

import { Chalk } from "chalk";
import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import type { TerminalStream } from "./terminal.ts";

/** good: as it should be · bad: needs somebody · stale: can go · quiet: may be overlooked. */
export type Tone = "good" | "bad" | "stale" | "quiet";
/** Paints text by what it means. */
export type Palette = Readonly<Record<Tone | "heading", (text: string) => string>>;
export type ColourMode = "auto" | "always" | "never";

const asItIs = (text: string): string => text;

/** Leaves every text as it is. */
export const plainPalette: Palette = {
  good: asItIs,
  bad: asItIs,
  stale: asItIs,
  quiet: asItIs,
  heading: asItIs,
};

/** Reads --color. Throws SettingsError. */
export function parseColourMode(text: string): ColourMode {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new SettingsError(`cannot read --color "${text}": not a colour mode`, {
    hint: "write auto, always or never",
  });
}

/** The palette for a stream; see wantsColour for when it has colours. */
export function colourFor(mode: ColourMode, stream: Pick<TerminalStream, "isTTY">, env: Env): Palette {
  return wantsColour(mode, stream.isTTY === true, env) ? colourPalette() : plainPalette;
}

/**
 * Whether to colour. `auto` is: never under NO_COLOR (no-color.org: set and not empty), else as FORCE_COLOR says
 * (0 and false: no), else only on a terminal that is not dumb.
 */
export function wantsColour(mode: ColourMode, isTerminal: boolean, env: Env): boolean {
  if (mode !== "auto") return mode === "always";
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

/** The sixteen colours of every terminal, so that the user's own theme decides how they look. */
function colourPalette(): Palette {
  const chalk = new Chalk({ level: 1 });
  return {
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    stale: (text) => chalk.yellow(text),
    quiet: (text) => chalk.dim(text),
    heading: (text) => chalk.bold(text),
  };
}
