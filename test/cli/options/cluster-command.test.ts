import { Cli } from "clipanion";
import { describe, expect, it } from "vitest";
import type { CliContext } from "../../../src/cli/context.ts";
import { AgentStartCommand } from "../../../src/cli/commands/agent-start/command.ts";

/** The command line as clipanion passes it to the command. */
function parsed(argv: readonly string[]): AgentStartCommand {
  const cli = new Cli<CliContext>();
  cli.register(AgentStartCommand);
  const command = cli.process(["agent", "start", ...argv], {} as CliContext);
  if (!(command instanceof AgentStartCommand)) throw new Error("not agent start");
  return command;
}

describe("--request-timeout", () => {
  it.each([
    { argv: [], want: undefined },
    { argv: ["--request-timeout="], want: undefined },
    { argv: ["--request-timeout=30s"], want: 30_000 },
    { argv: ["--request-timeout=0"], want: Infinity },
    { argv: ["--request-timeout=0s"], want: Infinity },
    { argv: ["--request-timeout=0h0m"], want: Infinity },
  ])("$argv is $want ms: zero is no limit, as in kubectl", ({ argv, want }) => {
    expect(parsed(argv).connectionFlags().requestTimeoutMs).toBe(want);
  });
});

describe("an empty value", () => {
  it.each([
    "--kubeconfig",
    "--context",
    "--cluster",
    "--user",
    "--server",
    "--certificate-authority",
    "--tls-server-name",
    "--as",
    "--as-uid",
  ])("of %s counts as not given, as in kubectl", (flag) => {
    expect(parsed([`${flag}=`]).connectionFlags()).toEqual(parsed([]).connectionFlags());
  });

  it.each(["namespace", "api", "key", "token", "tenant-id", "backend"])("of --%s does, too", (name) => {
    const { namespace, api, key, token, tenantId, backend } = parsed([`--${name}=`]);
    expect([namespace, api, key, token, tenantId, backend].filter((value) => value !== undefined)).toEqual(
      [],
    );
  });

  it.each(["--key-secret=", "--service-account-name=", "--image-pull-secrets="])(
    "of %s shapes no Job",
    (flag) => {
      expect(parsed([flag]).job).toEqual(parsed([]).job);
    },
  );
});
