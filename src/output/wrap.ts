// Wraps text into lines by words.

import { cutToWidth, displayWidth } from "./text-width.ts";

/** The text in indented lines of at most `width` characters. Only a word that is longer than a line is broken. */
export function wrapped(text: string, indent: number, width: number): string[] {
  const spaces = " ".repeat(indent);
  const room = Math.max(1, width - indent);
  const lines: string[] = [];
  let line = "";
  const words = text.split(/\s+/).filter((each) => each !== "");
  for (const word of words.flatMap((each) => pieces(each, room))) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > room) {
      lines.push(spaces + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, spaces + line];
}

/** The same with the lines after the first one indented by two more; one line without a width. */
export function hanging(text: string, indent: number, width: number | undefined): readonly string[] {
  if (width === undefined) return [" ".repeat(indent) + text];
  const [first = "", ...rest] = wrapped(text, indent + 2, width);
  return [first.slice(2), ...rest];
}

/** A term with its description from a column on; a term that is too long gets a line of its own. */
export function besides(
  [term, description]: readonly [string, string],
  column: number,
  width: number,
): string[] {
  const [first = "", ...rest] = wrapped(description, column, width);
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

function pieces(word: string, room: number): readonly string[] {
  if (displayWidth(word) <= room) return [word];
  const first = cutToWidth(word, room + 1).replace(/…$/, "");
  return [first, ...pieces(word.slice(first.length), room)];
}
