// Colours by meaning.

import { Chalk } from "chalk";
import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import type { TerminalStream } from "./terminal.ts";

/** good: green, active or succeeded · bad: red, failed · stale: yellow, needs attention · quiet: dim, the rest. */
export type Tone = "good" | "bad" | "stale" | "quiet";
/** Colours text by its meaning. */
export type Palette = Readonly<Record<Tone | "heading", (text: string) => string>> & {
  /** A colour for each of several things, in turn. */
  readonly series: (at: number, text: string) => string;
};
export type ColourMode = "auto" | "always" | "never";

/** The words that tables and trees colour: statuses, states of Prefect, phases of Jobs. All others are quiet. */
const TONES: ReadonlyMap<string, Tone> = new Map([
  ["active", "good"],
  ["live", "good"],
  ["running", "good"],
  ["succeeded", "good"],
  ["success", "good"],
  ["completed", "good"],
  ["failed", "bad"],
  ["crashed", "bad"],
  ["stuck", "stale"],
  ["orphaned", "stale"],
  ["unowned", "stale"],
  ["disrupted", "stale"],
  ["deleted", "stale"],
]);

/** The tone of a status, a state or a phase. */
export function toneOf(word: string): Tone {
  return TONES.get(word.toLowerCase()) ?? "quiet";
}

const unchanged = (text: string): string => text;

/** No colours. */
export const plainPalette: Palette = {
  good: unchanged,
  bad: unchanged,
  stale: unchanged,
  quiet: unchanged,
  heading: unchanged,
  series: (_, text) => text,
};

/** Parses --color. Throws SettingsError. */
export function parseColourMode(text: string): ColourMode {
  if (text === "auto" || text === "always" || text === "never") return text;
  throw new SettingsError(`cannot read --color "${text}": not a colour mode`, {
    hint: "use auto, always or never",
  });
}

/** The palette for a stream, with or without colours. */
export function colourFor(mode: ColourMode, stream: Pick<TerminalStream, "isTTY">, env: Env): Palette {
  return wantsColour(mode, stream.isTTY === true, env) ? colourPalette() : plainPalette;
}

/**
 * Whether to use colours. `auto`: no with NO_COLOR (no-color.org: set and not empty); else by FORCE_COLOR (0 and false: no);
 * else only on a terminal that is not dumb.
 */
export function wantsColour(mode: ColourMode, isTerminal: boolean, env: Env): boolean {
  if (mode !== "auto") return mode === "always";
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}

/** The basic 16 colours, so that the terminal's theme applies. */
function colourPalette(): Palette {
  const chalk = new Chalk({ level: 1 });
  const series = [chalk.cyan, chalk.magenta, chalk.blue, chalk.green, chalk.yellow, chalk.red];
  return {
    good: (text) => chalk.green(text),
    bad: (text) => chalk.red(text),
    stale: (text) => chalk.yellow(text),
    quiet: (text) => chalk.dim(text),
    heading: (text) => chalk.bold(text),
    series: (at, text) => series[at % series.length]?.(text) ?? text,
  };
}
