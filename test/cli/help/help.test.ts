// Help: what it lists, where it goes, and that it can be read.

import { describe, expect, it } from "vitest";
import { commandMetadata } from "../../../src/cli/help/command-metadata.ts";
import { helpWidth } from "../../../src/cli/help/help.ts";
import { COMMANDS } from "../../../src/cli/program.ts";
import { runCli } from "../../support/run-cli.ts";

const COMMANDS_METADATA = commandMetadata(COMMANDS);

describe("the overview", () => {
  it.each([[[]], [["--help"]], [["-h"]], [["help"]], [["-v", "--help"]]])(
    "is what %j prints",
    async (argv: string[]) => {
      const { stdout, stderr, exitCode } = await runCli(argv);
      expect(stdout).toMatch(/^Runs the flow runs of Prefect/);
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    },
  );

  it("lists each command with one line", async () => {
    const { stdout } = await runCli([]);
    const words = stdout.replaceAll(/\s+/g, " ");
    for (const { name, description } of COMMANDS_METADATA) {
      expect(words).toContain(` ${name} ${description} `);
    }
  });

  it("lists the Other commands last", async () => {
    const { stdout } = await runCli([]);
    const headings = stdout.split("\n").filter((line) => /^\w.*:$/.test(line));
    expect(headings.indexOf("Agent:")).toBe(0);
    expect(headings.indexOf("Other:")).toBe(headings.indexOf("Examples:") - 1);
  });
});

describe("the help of a group", () => {
  it("goes to stderr when the command line stops there, as kubectl's, and is no failure", async () => {
    const { stdout, stderr, exitCode } = await runCli(["agent"]);
    expect(stderr).toMatch(/^Available commands:\n {2}start /);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 0 });
  });

  it("goes to stdout when it was asked for", async () => {
    const asked = await runCli(["agent", "kubernetes", "--help"]);
    expect(asked.stdout).toMatch(/^ {2}start .*\n {2}install /m);
    expect(await runCli(["help", "agent", "kubernetes"])).toEqual(asked);
  });
});

describe("the help of a command", () => {
  it.each([
    { argv: ["agent", "start", "--help"] },
    { argv: ["agent", "start", "-h"] },
    { argv: ["help", "agent", "start"] },
    { argv: ["agent", "kubernetes", "start", "--help"] },
    { argv: ["agent", "start", "-n", "flows", "--help"] },
    { argv: ["-n", "flows", "agent", "start", "--help"] },
    { argv: ["agent", "start", "--limit", "--help", "--help"] },
  ])("is what $argv prints", async ({ argv }) => {
    const { stdout, stderr, exitCode } = await runCli(argv);
    expect(stdout).toMatch(/^Run the agent, on this machine or in a pod\.\n/);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  });

  it("has the command's own options first, then those that many share", async () => {
    const { stdout } = await runCli(["agent", "start", "--help"]);
    expect(stdout.match(/^\w.*:$/gm)).toEqual([
      "Examples:",
      "Options:",
      "Jobs of flow runs:",
      "What becomes of Jobs:",
      "Prefect:",
      "Cluster (as kubectl):",
      "General:",
      "Also called:",
      "Usage:",
    ]);
  });

  it.each([
    { command: ["agent", "start"], line: /^ {6}--limit N {2,}maximum number of unfinished Jobs/m },
    { command: ["agent", "start"], line: /^ {6}--start-grace DURATION {2,}\S/m },
    { command: ["agent", "start"], line: /^ {6}--tenant-id ID {2,}\S/m },
    { command: ["agent", "start"], line: /^ {2}-b, --backend cloud\|server {2,}\S/m },
    { command: ["agent", "start"], line: /^ {6}--log-format text\|json {2,}\S/m },
    { command: ["install"], line: /^ {6}--rbac\[=minimal\] {2,}\S/m },
    { command: ["install"], line: /^ {2}-o, --output yaml\|json {2,}.*default yaml/m },
    { command: ["render"], line: /^ {6}--dry-run\[=client\|server\]\n/m },
    { command: ["render"], line: /^ {2}kubectl prefect render \[RUN\] \[options\]$/m },
  ])("says of $command: $line", async ({ command, line }) => {
    expect((await runCli([...command, "--help"])).stdout).toMatch(line);
  });

  it("does not show options that are kept for old habits only", async () => {
    expect((await runCli(["agent", "start", "--help"])).stdout).not.toContain("--token");
  });
});

describe("every help", () => {
  const texts = [[], ["agent"], ...COMMANDS_METADATA.map(({ name }) => name.split(" "))];

  it.each(texts)("of %s %s fits into 80 columns, has no colours and no unnamed values", async (...words) => {
    const { stdout } = await runCli([...words.filter((word) => typeof word === "string"), "--help"]);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).not.toContain("\u001B");
    expect(stdout).not.toMatch(/#\d|undefined/);
    expect(stdout.endsWith("\n") && !stdout.endsWith("\n\n")).toBe(true);
  });
});

describe("helpWidth", () => {
  it.each([
    { columns: undefined, want: 80 },
    { columns: 20, want: 40 },
    { columns: 100, want: 100 },
    { columns: 200, want: 120 },
  ])("is $want for a terminal of $columns columns", ({ columns, want }) => {
    expect(helpWidth({ columns, write: () => true })).toBe(want);
  });
});
