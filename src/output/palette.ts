// Colours by meaning.

import { Chalk, type ChalkInstance } from "chalk";
import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { terminalWidth, type TerminalStream } from "./terminal.ts";

/** good: green, active or succeeded · bad: red, failed · stale: yellow, needs attention · quiet: dim, the rest. */
export type Tone = "good" | "bad" | "stale" | "quiet";
export type Palette = Readonly<Record<Tone | "heading", (text: string) => string>> & {
  /** A colour for each of several things, in turn. */
  readonly series: (at: number, text: string) => string;
};

/** How text is set on a stream. */
export interface Style {
  readonly palette: Palette;
  /** The terminal's width; undefined in a pipe, where nothing is wrapped or shortened. */
  readonly width: number | undefined;
  /** Draw lines with | and - instead of box characters: a pipe may not be read as UTF-8. */
  readonly ascii: boolean;
}

/** The words that tables and trees colour: statuses, states of Prefect, phases of Jobs. All others are quiet. */
const TONES: readonly (readonly [Tone, RegExp])[] = [
  ["good", /^(?:active|live|running|succeeded|success|completed)$/i],
  ["bad", /^(?:failed|crashed)$/i],
  ["stale", /^(?:stuck|orphaned|unowned|disrupted|deleted)$/i],
];

export function toneOf(word: string): Tone {
  return TONES.find(([, words]) => words.test(word))?.[0] ?? "quiet";
}

export const plainPalette: Palette = paletteOf(0);

/**
 * The palette for --color and a stream. `auto`: no colours with NO_COLOR (no-color.org: set and not empty); else by FORCE_COLOR
 * (0 and false: none); else only on a terminal that is not dumb. Throws SettingsError for another word.
 */
export function paletteFor(color: string, stream: Pick<TerminalStream, "isTTY">, env: Env): Palette {
  const forced = env["FORCE_COLOR"] ?? "";
  const isAuto =
    (env["NO_COLOR"] ?? "") === "" &&
    (forced === "" ? stream.isTTY === true && env["TERM"] !== "dumb" : !["0", "false"].includes(forced));
  if (color === "always" || (color === "auto" && isAuto)) return paletteOf(1);
  if (color === "auto" || color === "never") return plainPalette;
  throw new SettingsError(`cannot read --color "${color}": not a colour mode`, {
    hint: "use auto, always or never",
  });
}

/** The style for --color and a stream. Throws as paletteFor does. */
export function styleFor(color: string, stream: TerminalStream, env: Env): Style {
  const ascii = stream.isTTY !== true || env["TERM"] === "dumb";
  return { palette: paletteFor(color, stream, env), width: terminalWidth(stream), ascii };
}

/** Level 1: the basic 16 colours, so that the terminal's theme applies. */
function paletteOf(level: 0 | 1): Palette {
  const { green, red, yellow, dim, bold, cyan, magenta, blue } = new Chalk({ level });
  const series = [cyan, magenta, blue, green, yellow, red];
  // Chalk itself joins all of its arguments.
  const one = (colour: ChalkInstance) => (text: string) => colour(text);
  return {
    good: one(green),
    bad: one(red),
    stale: one(yellow),
    quiet: one(dim),
    heading: one(bold),
    series: (at, text) => series[at % series.length]?.(text) ?? text,
  };
}
