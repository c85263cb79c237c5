// Wraps text into lines by words.

import { clustersOf, clusterWidth, displayWidth } from "./text-width.ts";

/** The text in indented lines of at most `width` characters. Only a word that is longer than a line is broken. */
export function wrapped(text: string, indent: number, width: number): string[] {
  const room = Math.max(1, width - indent);
  return filled(fitted(text, room), indent, room);
}

/** A command that can be copied: up to a semicolon, a pipe or the end. */
const COMMAND = /(\bkubectl [^;|]*[^;|\s];?)/;

/** A message for people; a command in it is not broken, so that it can be copied. One line without a width. */
export function messageLines(text: string, width: number | undefined): readonly string[] {
  if (width === undefined || displayWidth(text) <= width) return [text];
  const room = Math.max(1, width - 2);
  const words = text.split(COMMAND).flatMap((part, at) => (at % 2 === 1 ? [part] : fitted(part, room)));
  return hung(withoutForgery(words), 0, room);
}

/** What others wrote must not begin a line as our own messages do. */
function withoutForgery(words: readonly string[]): string[] {
  const safe: string[] = [];
  for (const word of words) {
    const before = /^\W*(?:error|hint|warning|note):/i.test(word) ? safe.pop() : undefined;
    safe.push(before === undefined ? word : `${before} ${word}`);
  }
  return safe;
}

/** The words of the text; one that is longer than a line in pieces. */
function fitted(text: string, room: number): readonly string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return words.flatMap((word) => pieces(word, room));
}

function filled(words: readonly string[], indent: number, room: number): string[] {
  const spaces = " ".repeat(indent);
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > room) {
      lines.push(spaces + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, spaces + line];
}

/** The words in lines, of which those after the first one are indented by two more. */
function hung(words: readonly string[], indent: number, room: number): string[] {
  const [first = "", ...rest] = filled(words, indent + 2, room);
  return [first.slice(2), ...rest];
}

/** The text with the lines after the first one indented by two more; one line without a width. */
export function hanging(text: string, indent: number, width: number | undefined): readonly string[] {
  if (width === undefined) return [" ".repeat(indent) + text];
  const room = Math.max(1, width - indent - 2);
  return hung(fitted(text, room), indent, room);
}

/** A flag with its value, and a quoted text, are one word. */
const SHELL_WORD = /(?:--?[a-z-]+ (?=[^-|\s]))?(?:'[^']*'|"[^"]*"|\S)+/g;

/** A command, on several lines that a shell reads as one; one line without a width. */
export function commandLines(command: string, indent: number, width: number | undefined): readonly string[] {
  if (width === undefined) return [" ".repeat(indent) + command];
  const room = Math.max(1, width - indent - 2 - " \\".length);
  const words = [...command.matchAll(SHELL_WORD)].flatMap(([word]) => pieces(word, room));
  const lines = hung(words, indent, room);
  return lines.map((line, at) => line + (at < lines.length - 1 ? " \\" : ""));
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

/** In time that grows with its length: the message of a state can have a megabyte. */
function pieces(word: string, room: number): readonly string[] {
  if (displayWidth(word) <= room) return [word];
  const found: string[] = [];
  let [piece, left] = ["", room];
  for (const cluster of clustersOf(word)) {
    const width = clusterWidth(cluster);
    // One that is wider than a line has a line of its own.
    if (width > left && piece !== "") {
      found.push(piece);
      [piece, left] = ["", room];
    }
    piece += cluster;
    left -= width;
  }
  return [...found, piece];
}
