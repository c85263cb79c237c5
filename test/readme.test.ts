// The documents are held against the program: options, commands, npm scripts and files that they name.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { blockNames, OPTIONS_DOC, withCurrentOptions } from "../scripts/options-doc.ts";
import type { CliContext } from "../src/cli/context.ts";
import { readArgv } from "../src/cli/help/argv.ts";
import { commandMetadata } from "../src/cli/help/command-metadata.ts";
import { COMMANDS } from "../src/cli/program.ts";

const ROOT = join(import.meta.dirname, "..");
const PAGES = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const GUIDES = ["README.md", ...PAGES.map((name) => `docs/${name}`)];
const DOCUMENTS = [
  ...GUIDES,
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "src/README.md",
  "scripts/README.md",
  "test/README.md",
];
/** It names options of scripts and of other programs, too. */
const FOR_DEVELOPERS = new Set(["docs/development.md"]);

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

describe("docs/options.md", () => {
  const doc = readFileSync(OPTIONS_DOC, "utf8");

  it("has the current options (npm run docs)", () => {
    expect(withCurrentOptions(doc)).toBe(doc);
  });

  it("has the options of every command, and of every group that commands share", () => {
    const names = [...doc.matchAll(/<!-- options ([\w-]+) -->/g)].map(([, name = ""]) => name);
    expect(names.toSorted()).toEqual(blockNames().toSorted());
  });

  it("names the options' table of no unknown command", () => {
    expect(() => withCurrentOptions("<!-- options fly -->\n<!-- /options -->")).toThrow('"fly"');
  });
});

describe("README.md", () => {
  it("says how to run the tests", () => {
    expect(textOf("README.md")).toMatch(/npm ci && npm test\b/);
  });
});

describe("src/README.md", () => {
  it("names only files that there are", () => {
    const named = [...textOf("src/README.md").matchAll(/`([\w-]+\/[\w/.-]+\.ts)`/g)].map(
      ([, path = ""]) => path,
    );
    const missing = named.filter(
      (path) => !existsSync(join(ROOT, "src", path)) && !existsSync(join(ROOT, path)),
    );
    expect(missing).toEqual([]);
  });
});

describe.each(DOCUMENTS)("%s", (path) => {
  const text = textOf(path);

  it("names only npm scripts that there are", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: object };
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, script = ""]) => script);
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  it("names only commands that there are", () => {
    const names = commandMetadata(COMMANDS).flatMap(({ paths }) => paths.map((words) => words.join(" ")));
    const used = [...text.matchAll(/kubectl prefect ([a-z][a-z ]*[a-z])/g)].map(([, words = ""]) => words);
    const unknown = used.filter((words) => !names.some((name) => `${words} `.startsWith(`${name} `)));
    expect(unknown).toEqual([]);
  });

  it("has only commands between backticks that can be read", () => {
    const commands = commandMetadata(COMMANDS);
    const lines = [...text.matchAll(/`kubectl prefect ([^`\n]+)`/g)].map(([, line = ""]) => line);
    const wrong = lines.filter((line) => {
      const { command, args } = readArgv(line.split(" "), commands);
      try {
        command?.parse(args, {} as CliContext);
        return false;
      } catch {
        // Prose may name a command without what it needs.
        return line.includes(" -");
      }
    });
    expect(wrong).toEqual([]);
  });

  it("gives npm scripts only options that they read", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const wrong = [...text.matchAll(/npm run ([\w:-]+) -- ([^`\n#]+)/g)].flatMap(
      ([, script = "", words = ""]) => {
        const [, source] = /^node (scripts\/\S+)$/.exec(scripts[script] ?? "") ?? [];
        if (source === undefined) return [];
        const options = [...words.matchAll(/(?<=^| )--([\w-]+)/g)].map(([, name = ""]) => name);
        return options.filter((name) => !new RegExp(`\\b${name}"?: \\{ type:`).test(textOf(source)));
      },
    );
    expect(wrong).toEqual([]);
  });

  it("links only to files and sections that there are", () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target = ""]) => target);
    expect(targets.filter((target) => !isThere(path, target))).toEqual([]);
  });
});

const OF_KUBECTL = [
  "--clusterrole",
  "--current",
  "--from-file",
  "--ignore-not-found",
  "--resource",
  "--serviceaccount",
  "--verb",
];

describe.each(GUIDES.filter((path) => !FOR_DEVELOPERS.has(path)))("%s", (path) => {
  it("names only options that some command has", () => {
    const flags = commandMetadata(COMMANDS).flatMap(({ options }) => options.flatMap(({ names }) => names));
    // --token is an option that help does not show.
    const known = new Set([...flags, "--help", "--token", ...OF_KUBECTL]);
    const used = [...textOf(path).matchAll(/(?<![\w-])--[a-z][a-z-]*[a-z]/g)].map(([flag]) => flag);
    expect([...new Set(used)].filter((flag) => !known.has(flag))).toEqual([]);
  });
});

/** A path relative to the document, a heading behind `#`, or both. */
function isThere(document: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? document : join(dirname(document), file);
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || anchorsOf(textOf(path)).has(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    ),
  );
}
