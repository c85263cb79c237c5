// Writes the list of files into src/README.md: each file's name and the first sentence of its opening comment.
// `node scripts/map.ts --check` only tells whether the list is current.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SRC = join(import.meta.dirname, "..", "src");
const README = join(SRC, "README.md");
const BEGIN = "<!-- files -->";
const END = "<!-- /files -->";

/** The README with the list as it should be. */
export function withCurrentMap(readme: string, files: ReadonlyMap<string, string>): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`src/README.md lacks ${BEGIN} … ${END}`);
  const folders = Map.groupBy(files.keys(), (path) => path.slice(0, path.lastIndexOf("/") + 1));
  const lists = [...folders].map(([folder, paths]) => {
    const lines = paths.map((path) => `- \`${path.slice(folder.length)}\` ${files.get(path) ?? ""}`);
    return `### src/${folder}\n\n${lines.join("\n")}\n`;
  });
  return `${before}${BEGIN}\n\n${lists.join("\n")}\n${END}${after}`;
}

/** Path below src → first sentence of its opening comment. */
export function sourceFiles(): Map<string, string> {
  const paths = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const described = paths.map((path): [string, string] => [
    path,
    firstSentence(readFileSync(join(SRC, path), "utf8")),
  ]);
  return new Map(described.sort(([a], [b]) => compare(a, b)));
}

/** Files of a folder before the folders in it. */
function compare(a: string, b: string): number {
  const [folderA, folderB] = [a, b].map((path) => path.slice(0, path.lastIndexOf("/") + 1));
  if (folderA !== folderB) return (folderA ?? "") < (folderB ?? "") ? -1 : 1;
  return a < b ? -1 : 1;
}

function firstSentence(text: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("//"));
  const comment = lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join(" ");
  return /^.*?[.?!](?=\s|$)/.exec(comment)?.[0].replace(/\.$/, "") ?? comment;
}

if (import.meta.main) {
  const current = readFileSync(README, "utf8");
  const wanted = withCurrentMap(current, sourceFiles());
  if (process.argv.includes("--check")) {
    if (current !== wanted) {
      console.error("src/README.md is not current: npm run docs");
      process.exitCode = 1;
    }
  } else writeFileSync(README, wanted);
}
