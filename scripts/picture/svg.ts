// A terminal's text as SVG. Pure.

const WIDTH = 7.8;
const HEIGHT = 18;
const MARGIN = 16;
const BAR = 34;

/** SGR codes → the class that they begin; other codes end all classes. */
const CLASSES: Readonly<Record<string, string>> = { 1: "b", 2: "d", 31: "r", 32: "g", 33: "y" };
// oxlint-disable-next-line no-control-regex -- escape sequences are control characters
const SEQUENCE = /\u001B\[(\d*)m/;

const STYLE = `
  .window { fill: #0d1117 }
  text { fill: #e6edf3; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
  .b { font-weight: 700 }
  .d { fill: #8b949e }
  .r { fill: #ff7b72 }
  .g { fill: #3fb950 }
  .y { fill: #e3b341 }
`;

export interface TerminalText {
  /** With the escape sequences of colours, and no others. */
  readonly text: string;
  readonly columns: number;
  /** For those who do not see the picture. */
  readonly title: string;
}

/** The same text gives the same bytes. Each piece has its place and length, so that columns stand below each other in any font. */
export function svgOf({ text, columns, title }: TerminalText): string {
  const lines = text.split("\n");
  const width = Math.ceil(columns * WIDTH + 2 * MARGIN);
  const height = lines.length * HEIGHT + BAR + MARGIN;
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map(
    (fill, at) => `<circle cx="${MARGIN + 6 + at * 20}" cy="17" r="6" fill="${fill}"/>`,
  );
  const texts = lines.flatMap((line, at) => (line === "" ? [] : [lineOf(line, BAR + (at + 1) * HEIGHT - 5)]));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="window" width="${width}" height="${height}" rx="8"/>`,
    ...dots,
    ...texts,
    "</svg>\n",
  ].join("\n");
}

function lineOf(line: string, y: number): string {
  const spans: string[] = [];
  let column = 0;
  let styled = "";
  for (const [at, piece] of line.split(SEQUENCE).entries()) {
    // split() puts the codes between the texts.
    if (at % 2 === 1) styled = CLASSES[piece] ?? "";
    else {
      // Spaces need no ink: a piece begins and ends with a letter, which keeps it in its place.
      for (const { index, 0: words } of piece.matchAll(/\S+(?: \S+)*/g)) {
        const place = `x="${rounded(MARGIN + (column + index) * WIDTH)}" textLength="${rounded(words.length * WIDTH)}"`;
        spans.push(`<tspan ${place}${styled === "" ? "" : ` class="${styled}"`}>${escaped(words)}</tspan>`);
      }
      column += piece.length;
    }
  }
  return `<text y="${y}">${spans.join("")}</text>`;
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
