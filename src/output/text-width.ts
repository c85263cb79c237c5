// The width of text on a terminal; cuts, pads and escapes text. Counting code units would misalign tables.

import sliceAnsi from "slice-ansi";
import stringWidth from "string-width";

const ASCII = /^[\u0020-\u007E]*$/;

/** The number of columns of the text on a terminal, without escape sequences. */
export function displayWidth(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** The text cut to a width, with an ellipsis if it was longer. Resets colours. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return width <= 0 ? "" : `${sliceAnsi(text, 0, width - 1)}…`;
}

/** The text padded with spaces to a width. */
export function padToWidth(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}

/** One line without control characters: cut at the first line break, tabs become spaces, others are escaped. */
export function asCell(text: string): string {
  if (ASCII.test(text)) return text;
  const end = text.search(/[\n\r\f]/);
  const line = end === -1 ? text : `${text.slice(0, end)}...`;
  return line.replaceAll("\t", " ").replaceAll(/\p{Cc}/gu, caret);
}

/** ^[ for escape, as in kubectl; C1 control characters, which some terminals interpret too, become a question mark. */
function caret(control: string): string {
  const code = control.charCodeAt(0);
  if (code === 0x7f) return "^?";
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : "?";
}
