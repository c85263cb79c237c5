// What a command line is about, before it is parsed.

import { describe, expect, it } from "vitest";
import { readArgv } from "../../../src/cli/help/argv.ts";
import { commandMetadata } from "../../../src/cli/help/command-metadata.ts";
import { COMMANDS } from "../../../src/cli/program.ts";

const COMMANDS_METADATA = commandMetadata(COMMANDS);

describe("readArgv", () => {
  it.each([
    { argv: ["agent", "start"], want: "agent start" },
    { argv: ["agent", "start", "kubernetes"], want: "agent start" },
    { argv: ["agent", "kubernetes", "install"], want: "install" },
    { argv: ["-n", "version", "install"], want: "install" },
    { argv: ["--verbose", "install"], want: "install" },
    { argv: ["install", "-n", "version"], want: "install" },
    { argv: ["agent"], want: undefined },
    { argv: [], want: undefined },
    { argv: ["--", "install"], want: undefined },
  ])("finds $want in $argv", ({ argv, want }) => {
    expect(readArgv(argv, COMMANDS_METADATA).command?.name).toBe(want);
  });

  it.each([
    { argv: ["install", "-ojson"], want: ["-o=json"] },
    { argv: ["install", "-nflows"], want: ["-n=flows"] },
    { argv: ["install", "-o=json"], want: ["-o=json"] },
    { argv: ["install", "--output=json"], want: ["--output=json"] },
    { argv: ["install", "--env", "-ojson"], want: ["--env=-ojson"] },
    { argv: ["install", "-v"], want: ["-v"] },
    { argv: ["-n", "flows", "agent", "-v", "install", "x"], want: ["-n=flows", "-v", "x"] },
    { argv: ["agent", "start", "kubernetes", "-v"], want: ["-v"] },
    { argv: ["render", "-f", "-"], want: ["-f=-"] },
    { argv: ["logs", "-pf", "--tail", "-1", "fox"], want: ["-p", "-f", "--tail=-1", "fox"] },
    { argv: ["logs", "--tail"], want: ["--tail"] },
    { argv: ["jobs", "--token", "-k", "x"], want: ["--token=-k", "x"] },
    { argv: ["jobs", "--watch=true", "--all-namespaces=1"], want: ["--watch", "--all-namespaces"] },
    { argv: ["jobs", "--watch=false", "--insecure-skip-tls-verify=F"], want: [] },
    { argv: ["jobs", "--watch=yes"], want: ["--watch=yes"] },
    { argv: ["jobs", "-A=true", "-w=0", "-n=flows"], want: ["--all-namespaces", "-n=flows"] },
    { argv: ["jobs", "-v=6"], want: ["--verbose=6"] },
    { argv: ["cancel", "fox", "--wait=false"], want: ["fox", "--wait=false"] },
    { argv: ["render", "--", "-ojson"], want: ["--", "-ojson"] },
  ])("leaves of $argv for the command: $want", ({ argv, want }) => {
    expect(readArgv(argv, COMMANDS_METADATA).args).toEqual(want);
  });

  it.each([
    { argv: ["install", "--help"], want: true },
    { argv: ["install", "-h"], want: true },
    { argv: ["install", "--name", "-h"], want: false },
    { argv: ["install", "--", "--help"], want: false },
    { argv: ["install"], want: false },
  ])("sees in $argv a request for help: $want", ({ argv, want }) => {
    expect(readArgv(argv, COMMANDS_METADATA).wantsHelp).toBe(want);
  });
});
