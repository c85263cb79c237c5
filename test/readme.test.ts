// The README is held against the program: options, commands, and scripts that it names.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withCurrentOptions } from "../scripts/readme.ts";
import { commandMetadata } from "../src/cli/help/command-metadata.ts";
import { COMMANDS } from "../src/cli/program.ts";

const ROOT = join(import.meta.dirname, "..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");

describe("README.md", () => {
  it("has the current options (npm run docs)", () => {
    expect(README).toContain("<!-- options agent-start -->");
    expect(withCurrentOptions(README)).toBe(README);
  });

  it("names the options' table of no unknown command", () => {
    expect(() => withCurrentOptions("<!-- options fly -->\n<!-- /options -->")).toThrow('"fly"');
  });

  it("names only npm scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const named = [...README.matchAll(/npm run ([\w:-]+)/g)].map(([, script = ""]) => script);
    expect(named).not.toEqual([]);
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([]);
  });

  it("names only commands that there are", () => {
    const names = commandMetadata(COMMANDS).flatMap(({ paths }) => paths.map((path) => path.join(" ")));
    const used = [...README.matchAll(/kubectl prefect ([a-z][a-z ]*[a-z])/g)].map(([, words = ""]) => words);
    const unknown = used.filter((words) => !names.some((name) => `${words} `.startsWith(`${name} `)));
    expect(unknown).toEqual([]);
  });

  it("names only options that some command has", () => {
    const flags = commandMetadata(COMMANDS).flatMap(({ options }) => options.flatMap(({ names }) => names));
    // --token is an option that help does not show.
    const known = new Set([...flags, "--help", "--token"]);
    const used = [...README.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag);
    expect([...new Set(used)].filter((flag) => !known.has(flag))).toEqual([]);
  });
});
