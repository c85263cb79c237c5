// Colours by meaning.

import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { canRedraw, terminalWidth, type TerminalStream } from "./terminal.ts";

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

const asIs = (text: string): string => text;
export const plainPalette: Palette = {
  good: asIs,
  bad: asIs,
  stale: asIs,
  quiet: asIs,
  heading: asIs,
  series: (_, text) => text,
};

/**
 * The palette for --color and a stream. `auto`: no colours with NO_COLOR (no-color.org: set and not empty); else by FORCE_COLOR
 * (0 and false: none); else only on a terminal that is not dumb. Throws SettingsError for another word.
 */
export async function paletteFor(
  color: string,
  stream: Pick<TerminalStream, "isTTY">,
  env: Env,
): Promise<Palette> {
  const forced = env["FORCE_COLOR"] ?? "";
  const isAuto =
    (env["NO_COLOR"] ?? "") === "" &&
    (forced === "" ? canRedraw(stream, env) : !["0", "false"].includes(forced));
  if (color === "always" || (color === "auto" && isAuto)) return (await import("./colours.ts")).colours;
  if (color === "auto" || color === "never") return plainPalette;
  throw new SettingsError(`cannot read --color "${color}": not a colour mode`, {
    hint: "use auto, always or never",
  });
}

/** The style for --color and a stream. Throws as paletteFor does. */
export async function styleFor(color: string, stream: TerminalStream, env: Env): Promise<Style> {
  const ascii = !canRedraw(stream, env);
  return { palette: await paletteFor(color, stream, env), width: terminalWidth(stream), ascii };
}
