// render RUN: flow runs from a Prefect API by id, prefix, name or Job; and --dry-run=server.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../../../src/base/json.ts";
import { startFakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import type { FakeKubernetes } from "../../../fakes/kubernetes/fake-kubernetes.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import { runCli } from "../../../support/run-cli.ts";
import type { CliResult } from "../../../support/run-cli.ts";

const KUBECONFIG = "/home/user/.kube/config";

let prefect: FakePrefect1;
let kube: FakeKubernetes;
let fox: string;
let twins: readonly string[];

beforeAll(async () => {
  prefect = await startFakePrefect1();
  kube = await startFakeKubernetes({ namespaces: ["flows"], controller: false });
  const flow = prefect.createFlow({ name: "etl", storage: { type: "Local" }, coreVersion: "1.4.1" });
  fox = prefect.createFlowRun({ flow, name: "quick-fox" }).id;
  twins = [1, 2].map(() => prefect.createFlowRun({ flow, name: "twin" }).id);
  const job = (name: string, labels: Record<string, string>): object => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "flows", labels },
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "a" }] } } },
  });
  kube.put("jobs", job("prefect-job-1a2b3c4d", { "prefect.io/flow_run_id": fox }) as JsonObject);
  kube.put("jobs", job("backup", {}) as JsonObject);
});

afterAll(async () => {
  await prefect.stop();
  await kube.stop();
});

function render(argv: readonly string[]): Promise<CliResult> {
  const env = { PREFECT__BACKEND: "server", PREFECT__CLOUD__API: prefect.url };
  return runCli(["render", ...argv], {
    env,
    files: { [KUBECONFIG]: kube.kubeconfig({ namespace: "flows" }) },
  });
}

function flowRunIn(stdout: string): unknown {
  const job = parse(stdout) as { metadata: { labels: Record<string, string> } };
  return job.metadata.labels["prefect.io/flow_run_id"];
}

describe("render RUN", () => {
  it.each([
    { name: "its id", ref: (): string => fox },
    { name: "its id in capitals", ref: (): string => fox.toUpperCase() },
    { name: "the first 8 characters of its id", ref: (): string => fox.slice(0, 8) },
    { name: "the first 20 characters of its id", ref: (): string => fox.slice(0, 20) },
    {
      name: "the beginning of its id without hyphens",
      ref: (): string => fox.replaceAll("-", "").slice(0, 11),
    },
    { name: "its name", ref: (): string => "quick-fox" },
    { name: "its Job", ref: (): string => "job/prefect-job-1a2b3c4d" },
  ])("finds a flow run by $name", async ({ ref }) => {
    const { stdout, stderr } = await render([ref()]);
    expect(stderr).toBe("");
    expect(flowRunIn(stdout)).toBe(fox);
  });

  it("renders the same Job as from a file", async () => {
    const { stdout } = await render(["quick-fox", "--label", "a"]);
    const row = prefect.flowRun(fox);
    const flow = { id: row?.flow_id, storage: { type: "Local" }, core_version: "1.4.1" };
    const fromFile = await runCli(["render", "-f", "-", "--label", "a"], {
      env: { PREFECT__BACKEND: "server", PREFECT__CLOUD__API: prefect.url, NAMESPACE: "flows" },
      stdin: JSON.stringify({ ...row, flow }),
    });
    expect(fromFile).toMatchObject({ stdout, stderr: "" });
  });

  it.each([
    {
      name: "no run has the name",
      ref: "slow-fox",
      want: /^error: cannot find flow run "slow-fox": .*\nhint: /,
    },
    { name: "the name is no id's beginning", ref: "0a1b2c3", want: /^error: cannot find flow run "0a1b2c3"/ },
    { name: "no run has the id", ref: "0".repeat(8), want: /^error: cannot find flow run "00000000"/ },
    {
      name: "there is no such Job",
      ref: "job/nosuch",
      want: /^error: cannot find Job "nosuch" in namespace "flows"/,
    },
    {
      name: "the Job runs no flow",
      ref: "job/backup",
      want: /^error: cannot find the flow run of Job "backup"/,
    },
  ])("fails when $name", async ({ ref, want }) => {
    const { stdout, stderr, exitCode } = await render([ref]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toMatch(want);
  });

  it("lists the candidates when several runs have the name", async () => {
    const { stderr, exitCode } = await render(["twin"]);
    expect(exitCode).toBe(2);
    for (const id of twins) expect(stderr).toContain(id);
  });
});

describe("render --dry-run=server", () => {
  it("reports that the cluster accepts the Job, and creates nothing", async () => {
    const { stdout, stderr, exitCode } = await render(["quick-fox", "--dry-run=server"]);
    expect(exitCode).toBe(0);
    expect(flowRunIn(stdout)).toBe(fox);
    expect(stderr).toMatch(/^job\.batch\/prefect-job-[0-9a-f]{8} created \(server dry run\)\n$/);
    expect(kube.list("jobs", "flows")).toHaveLength(2);
  });

  it("prints the cluster's error", async () => {
    const { stderr, exitCode } = await render(["quick-fox", "--dry-run=server", "-n", "nosuch"]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^error: cannot create Job "prefect-job-\w+" in namespace "nosuch": .*not found/);
  });
});
