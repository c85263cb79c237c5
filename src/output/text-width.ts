// The width of text on a terminal; cuts and escapes text. Counting code units would misalign tables.
// string-width would take 50 ms of every start: it makes an Intl.Segmenter when it is loaded, not when it is needed.

import { stripVTControlCharacters } from "node:util";
import { printable } from "./clean.ts";

const ASCII = /^[\u0020-\u007E]*$/;
// CSI sequences, OSC sequences, and other two-byte escapes.
// oxlint-disable-next-line no-control-regex -- escape sequences are control characters
const ESCAPES = /\u001B(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001B]*(?:\u0007|\u001B\\)|[@-Z\\^_])/g;
// Hangul's vowels and finals are drawn into the syllable's first letter.
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}\u1160-\u11FF]$/u;
const EMOJI = /\p{Emoji_Presentation}|\p{Emoji}\uFE0F/u;
// East Asian Wide and Fullwidth blocks (UAX #11), approximately: no common narrow characters are in between.
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97F\uAC00-\uD7A3\uF900-\uFAFF\uFE10-\uFE19\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]/u;

/** The number of columns of the text on a terminal, without escape sequences. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const cluster of clustersOf(stripVTControlCharacters(text))) width += clusterWidth(cluster);
  return width;
}

/** The text cut to a width, with an ellipsis if it was longer. Resets colours. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return "";
  let remaining = width - 1;
  let cut = "";
  let coloured = false;
  for (const piece of text.split(new RegExp(`(${ESCAPES.source})`))) {
    if (piece.startsWith("\u001B")) {
      coloured = true;
      cut += piece;
      continue;
    }
    for (const cluster of clustersOf(piece)) {
      remaining -= clusterWidth(cluster);
      if (remaining < 0) return `${cut}…${coloured ? "\u001B[0m" : ""}`;
      cut += cluster;
    }
  }
  return cut;
}

/** The text shortened in the middle to a width: `prefect-j…65904cb`. For names, whose two ends tell them apart. */
export function cutMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const head = cutToWidth(text, Math.ceil((width + 1) / 2));
  let room = width - displayWidth(head);
  let tail = "";
  for (const cluster of [...clustersOf(text)].reverse()) {
    room -= clusterWidth(cluster);
    if (room < 0) break;
    tail = cluster + tail;
  }
  return head + tail;
}

/** One printable line: cut at the first line break, tabs become spaces. */
export function asCell(text: string): string {
  if (ASCII.test(text)) return text;
  const end = text.search(/[\n\r\f]/);
  const line = end === -1 ? text : `${text.slice(0, end)}...`;
  return printable(line.replaceAll("\t", " "));
}

/** What a reader takes for its characters. */
export function* clustersOf(text: string): Generator<string> {
  if (ASCII.test(text)) yield* text;
  else for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}

/** As terminals count: an emoji as a whole, of other clusters each character. */
export function clusterWidth(cluster: string): number {
  if (EMOJI.test(cluster)) return 2;
  let width = 0;
  for (const char of cluster) if (!NO_WIDTH.test(char)) width += WIDE.test(char) ? 2 : 1;
  return width;
}
