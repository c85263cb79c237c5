// Colours by meaning.

import type { Env } from "../base/env.ts";
import { SettingsError } from "../base/errors.ts";
import { canRedraw, terminalWidth, type TerminalStream } from "./terminal.ts";

/** good: green, active or succeeded · bad: red, failed · stale: yellow, needs attention · quiet: dim, the rest. */
export type Tone = "good" | "bad" | "stale" | "quiet" | "heading";
/** Colours a text; a number: one of several things, each of which has a colour, in turn. */
export type Paint = (tone: Tone | number | undefined, text: string) => string;

/** How text is set on a stream. */
export interface Style {
  readonly paint: Paint;
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

export const plain: Paint = (_, text) => text;

/**
 * The colours for --color and a stream. `auto`: no colours with NO_COLOR (no-color.org: set and not empty); else by FORCE_COLOR
 * (0 and false: none); else only on a terminal that is not dumb. Throws SettingsError for another word.
 */
export async function paintFor(
  color: string,
  stream: Pick<TerminalStream, "isTTY">,
  env: Env,
): Promise<Paint> {
  const forced = env["FORCE_COLOR"] ?? "";
  const isAuto =
    (env["NO_COLOR"] ?? "") === "" &&
    (forced === "" ? canRedraw(stream, env) : !["0", "false"].includes(forced));
  if (color === "always" || (color === "auto" && isAuto)) return (await import("./colours.ts")).colours;
  if (color === "auto" || color === "never") return plain;
  throw new SettingsError(`cannot read --color "${color}": not a colour mode`, {
    hint: "use auto, always or never",
  });
}

/** The style for --color and a stream. Throws as paintFor does. */
export async function styleFor(color: string, stream: TerminalStream, env: Env): Promise<Style> {
  const ascii = !canRedraw(stream, env);
  return { paint: await paintFor(color, stream, env), width: terminalWidth(stream), ascii };
}
