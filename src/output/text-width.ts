// How wide text is on a terminal, and how to cut and clean it. Counting code units would tear tables apart.

const ASCII = /^[\u0020-\u007E]*$/;
// Written out with \u001B so that the file stays readable: CSI sequences, OSC sequences, and other two-byte escapes.
// oxlint-disable-next-line no-control-regex -- escape sequences are control characters
const ESCAPES = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\^_])/g;
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]+$/u;
// East Asian Wide and Fullwidth blocks (UAX #11), coarse: nothing narrow of daily use lies between them.
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]|\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;

/** Columns that the text takes on a terminal; escape sequences take none. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clustersOf(text.replaceAll(ESCAPES, ""))) width += clusterWidth(cluster);
  return width;
}

/** The text cut to so many columns, an ellipsis at the end if something is missing. Colours are closed. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return "";
  let room = width - 1;
  let cut = "";
  let coloured = false;
  for (const piece of text.split(new RegExp(`(${ESCAPES.source})`))) {
    if (piece.startsWith("\u001B")) {
      coloured = true;
      cut += piece;
      continue;
    }
    for (const cluster of clustersOf(piece)) {
      room -= clusterWidth(cluster);
      if (room < 0) return `${cut}…${coloured ? "\u001B[0m" : ""}`;
      cut += cluster;
    }
  }
  return cut;
}

/** The text with blanks after it (or before it, to the right) up to a width. */
export function padToWidth(text: string, width: number, align: "left" | "right" = "left"): string {
  const blanks = " ".repeat(Math.max(0, width - displayWidth(text)));
  return align === "left" ? text + blanks : blanks + text;
}

/** One line that cannot steer the terminal: cut at the first line break, tabs as blanks, control characters shown. */
export function asCell(text: string): string {
  if (ASCII.test(text)) return text;
  const end = text.search(/[\n\r\f]/);
  const line = end === -1 ? text : `${text.slice(0, end)}...`;
  return line.replaceAll("\t", " ").replaceAll(/\p{Cc}/gu, caret);
}

/** ^[ for escape, as kubectl shows it; the C1 controls, which some terminals obey too, as a question mark. */
function caret(control: string): string {
  const code = control.charCodeAt(0);
  if (code === 0x7f) return "^?";
  return code < 0x20 ? `^${String.fromCharCode(code + 0x40)}` : "?";
}

function* clustersOf(text: string): Generator<string> {
  if (ASCII.test(text)) yield* text;
  else for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}

function clusterWidth(cluster: string): number {
  if (NO_WIDTH.test(cluster)) return 0;
  return WIDE.test(cluster) ? 2 : 1;
}
