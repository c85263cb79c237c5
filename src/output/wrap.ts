// Wraps text into lines.

import wrapAnsi from "wrap-ansi";

/** The widest line, in characters. */
export const WIDTH = 100;

/** The text in indented lines of at most `width` columns. A longer word gets a line of its own. */
export function wrapped(text: string, indent: number, width = WIDTH): string[] {
  const line = text.trim().replaceAll(/\s+/g, " ");
  if (line === "") return [];
  const lines = wrapAnsi(line, width - indent, { wordWrap: true, hard: false }).split("\n");
  return lines.map((each) => " ".repeat(indent) + each);
}

/** A term with its description from a column on; a term that is too long gets a line of its own. */
export function besides(term: string, description: string, column: number): string[] {
  const [first = "", ...rest] = wrapped(description, column);
  if (term.length + 2 > column) return [term, first, ...rest];
  return [`${term.padEnd(column)}${first.slice(column)}`.trimEnd(), ...rest];
}

/** The paragraphs of an indented text, each in one line. */
export function paragraphsOf(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "");
}
