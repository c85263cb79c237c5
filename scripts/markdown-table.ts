// A table in Markdown, laid out as oxfmt would.

/** The first row is the header. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [header = [], ...others] = rows;
  const widths = header.map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[], filler = " "): string =>
    `| ${cells.map((text, at) => text.padEnd(widths[at] ?? 0, filler)).join(" | ")} |`;
  const rule = line(
    header.map(() => ""),
    "-",
  );
  return [line(header), rule, ...others.map((row) => line(row))].join("\n");
}
