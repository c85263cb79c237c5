// Colours by meaning, with chalk. Loaded only where there are colours.

import { Chalk } from "chalk";

// The basic 16 colours, so that the terminal's theme applies.
const { green, red, yellow, dim, bold, cyan, magenta, blue } = new Chalk({ level: 1 });
const series = [cyan, magenta, blue, green, yellow, red];
const tones = { good: green, bad: red, stale: yellow, quiet: dim, heading: bold };

export function colours(tone: keyof typeof tones | number | undefined, text: string): string {
  const colour = typeof tone === "number" ? series[tone % series.length] : tone && tones[tone];
  return colour?.(text) ?? text;
}
