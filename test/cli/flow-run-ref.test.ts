// RUN: how it is parsed, and what it stands for.

import { describe, expect, it } from "vitest";
import { parseRunRef } from "../../src/cli/flow-run-ref.ts";
import { putJob, runId, startTestCluster } from "../inventory/test-cluster.ts";

describe("parseRunRef", () => {
  it.each([
    { text: "0a1b2c3d-1111-4222-8333-444444444444", idPrefix: "0a1b2c3d-1111-4222-8333-444444444444" },
    { text: "0A1B2C3D11114222", idPrefix: "0a1b2c3d-1111-4222" },
    { text: "0a1b2c3d", idPrefix: "0a1b2c3d" },
    { text: "0a1b2c3d-", idPrefix: "0a1b2c3d" },
    { text: "0a1b2c3d-11", idPrefix: "0a1b2c3d-11" },
    { text: "0a1b2c3", idPrefix: undefined },
    { text: "quick-fox", idPrefix: undefined },
    { text: "0a1b2c3d-1111-4222-8333-4444444444445", idPrefix: undefined },
    { text: "jobless", idPrefix: undefined },
    { text: "0a1b2c3d--11", idPrefix: "0a1b2c3d-11" },
  ])("parses $text as a flow run with id prefix $idPrefix or that name", ({ text, idPrefix }) => {
    expect(parseRunRef(text)).toEqual({ idPrefix, text });
  });

  it.each(["job/a-1", "jobs/a-1", "job.batch/a-1"])("parses %s as a Job", (text) => {
    expect(parseRunRef(text)).toEqual({ job: "a-1", text });
  });
});

describe("resolveRun", () => {
  it("names the flag that tells two namespaces apart, where the id cannot", async () => {
    const cluster = await startTestCluster({ controller: false, namespaces: ["other"] });
    for (const namespace of ["default", "other"]) putJob(cluster, "job-1", { run: runId(1), namespace });
    const { stderr, exitCode } = await cluster.cli(["inspect", runId(1), "-A"]);
    expect(stderr).toContain("hint: choose a namespace with -n\n");
    expect(exitCode).toBe(2);
  });

  it("does not send as a selector what is no Job's name", async () => {
    const { cli } = await startTestCluster();
    const { stderr, exitCode } = await cli(["logs", "job/job-1,job/job-2"]);
    expect(stderr).toContain('error: cannot find flow run "job/job-1,job/job-2": it has no Job in');
    expect(exitCode).toBe(1);
  });

  it("names that flag, too, for two Jobs of one name", async () => {
    const cluster = await startTestCluster({ controller: false, namespaces: ["other"] });
    putJob(cluster, "job-1", { run: runId(1) });
    putJob(cluster, "job-1", { run: runId(2), namespace: "other" });
    const { stderr } = await cluster.cli(["logs", "job/job-1", "-A"]);
    expect(stderr).toContain("hint: choose a namespace with -n\n");
  });
});
