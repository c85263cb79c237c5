// Colours by meaning, with chalk. Loaded only where there are colours.

import { Chalk, type ChalkInstance } from "chalk";

// The basic 16 colours, so that the terminal's theme applies.
const { green, red, yellow, dim, bold, cyan, magenta, blue } = new Chalk({ level: 1 });
const series = [cyan, magenta, blue, green, yellow, red];
/** Chalk itself joins all of its arguments. */
const one = (colour: ChalkInstance) => (text: string) => colour(text);

export const colours = {
  good: one(green),
  bad: one(red),
  stale: one(yellow),
  quiet: one(dim),
  heading: one(bold),
  series: (at: number, text: string): string => series[at % series.length]?.(text) ?? text,
};
