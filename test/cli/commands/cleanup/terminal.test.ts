// cleanup on a terminal: prints the plan, asks, and deletes only after y or yes.

import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/base/clock.ts";
import { cliContext } from "../../../../src/cli/context.ts";
import type { CliContext } from "../../../../src/cli/context.ts";
import { run } from "../../../../src/cli/run.ts";
import { Screen } from "../../../output/screen.ts";
import { NAMESPACE, startTestCluster } from "./cluster.ts";
import type { TestCluster } from "./cluster.ts";

async function atTerminal(answer: string, whileAsking?: (testCluster: TestCluster) => void) {
  const testCluster = await startTestCluster();
  testCluster.job("job-ended", testCluster.flowRun("Success", "ended"));
  const screen = new Screen({ columns: 120 });
  const env = {
    KUBECONFIG: "config",
    PREFECT__CLOUD__API: testCluster.prefect.url,
    PREFECT__BACKEND: "server",
  };
  const readFile = (path: string): string | undefined =>
    path.endsWith("config") ? testCluster.kube.kubeconfig({ namespace: NAMESPACE }) : undefined;
  const typed = function* () {
    whileAsking?.(testCluster);
    yield answer;
  };
  const stdin = Object.assign(Readable.from(typed()), { isTTY: true });
  // Commands use nothing of a stream but what Screen has.
  const stream = screen as unknown as CliContext["stdout"];
  const context = cliContext({
    env,
    clock: systemClock,
    home: "/home/user",
    readFile,
    userAgent: "test",
    isInteractive: false,
    stdin,
    stdout: stream,
    stderr: stream,
    signal: new AbortController().signal,
  });
  const exitCode = await run(["cleanup", "--older-than", "0", "--color", "never"], context);
  return { exitCode, seen: screen.seen(), written: screen.written, left: testCluster.left("jobs") };
}

describe("cleanup on a terminal", () => {
  it.each([
    { answer: "y\n", last: "removed 1 Job", left: [] },
    { answer: "n\n", last: "nothing removed", left: ["job-ended"] },
    { answer: "", last: "nothing removed", left: ["job-ended"] },
  ])("prints the plan, asks, and follows the answer $answer", async ({ answer, last, left }) => {
    const said = await atTerminal(answer);
    expect([said.exitCode, said.left]).toEqual([0, left]);
    expect(said.seen[0]).toMatch(/^OBJECT +REASON +AGE +RUN +STATE$/);
    expect(said.seen[1]).toMatch(/^job.batch\/job-ended +succeeded 120m ago +120m +ended +Success$/);
    expect(said.written).toContain("Remove 1 Job? [y/N] ");
    expect(said.seen.at(-1)).toMatch(new RegExp(`${last}$`));
  });

  it("looks again after the question: what was annotated meanwhile stays", async () => {
    const said = await atTerminal("y\n", (testCluster) => {
      const [job] = testCluster.kube.list("jobs", NAMESPACE);
      if (job === undefined) return;
      const annotations = { "prefect.io/keep": "true" };
      testCluster.kube.put("jobs", { ...job, metadata: { ...job.metadata, annotations } });
    });
    expect(said.left).toEqual(["job-ended"]);
    expect(said.written).toContain(
      'skipped: job.batch/job-ended in namespace "flows": annotated prefect.io/keep',
    );
    expect(said.seen.at(-1)).toMatch(/removed nothing; 1 skipped$/);
  });
});
