// A kubeconfig or flags that lead to no API server: an error, never an empty list.

import { describe, expect, it, onTestFinished } from "vitest";
import { place, stopAll } from "../http/servers.ts";
import { runCli } from "../support/run-cli.ts";

describe("kubectl prefect jobs", () => {
  it.each(["default backend - 404", "404 page not found", '{"error": "not found"}'])(
    "takes the 404 of something else for no empty cluster: %s",
    async (body) => {
      onTestFinished(stopAll);
      const { url } = await place((_, response) => response.writeHead(404).end(body));
      const { stdout, stderr, exitCode } = await runCli(["jobs", "-s", url.href]);
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
      expect(stderr).toMatch(/^error: cannot list jobs in namespace "default": /m);
    },
  );

  it.each([
    {
      args: ["-s", "https://host:6443 "],
      error: 'cannot read server "https://host:6443 " of --server: not a URL',
    },
    { args: ["-n", "a,b", "-s", "http://127.0.0.1:9"], error: 'cannot read -n "a,b": not a namespace' },
  ])("refuses $args", async ({ args, error }) => {
    const { stderr, exitCode } = await runCli(["jobs", ...args]);
    expect([stderr.split("\n")[0], exitCode]).toEqual([`error: ${error}`, 2]);
  });
});
