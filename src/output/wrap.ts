// Text broken into lines that a terminal shows without breaking them again.

/** The widest line, in characters. */
export const WIDTH = 100;

/** The text in lines of at most 100 characters, each after so many blanks. A longer word has a line of its own. */
export function wrapped(text: string, indent: number, width = WIDTH): string[] {
  const blanks = " ".repeat(indent);
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(blanks + line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, blanks + line];
}

/** A term and, from a column on, what it means; a term that reaches into that column has a line of its own. */
export function besides(term: string, meaning: string, column: number): string[] {
  const [first = "", ...rest] = wrapped(meaning, column);
  if (term.length + 2 > column) return [term, first, ...rest];
  return [`${term.padEnd(column)}${first.slice(column)}`.trimEnd(), ...rest];
}

/** The paragraphs of an indented text, each as one line. */
export function paragraphsOf(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replaceAll(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "");
}
