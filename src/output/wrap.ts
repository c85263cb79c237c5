// Wraps text into lines.

/** The widest line, in characters. */
export const WIDTH = 100;

/** The text in indented lines of at most `width` characters. A longer word gets a line of its own. */
export function wrapped(text: string, indent: number, width = WIDTH): string[] {
  const spaces = " ".repeat(indent);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(spaces + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, spaces + line];
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
