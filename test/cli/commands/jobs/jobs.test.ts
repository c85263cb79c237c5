// kubectl prefect jobs: table, warnings and exit code.

import { ownerText } from "../../../../src/job/owner.ts";
import type { FlowRow } from "../../../fakes/prefect1/rows.ts";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { objectIn } from "../../../../src/base/json.ts";
import type { JsonObject } from "../../../../src/base/json.ts";
import { startFakePrefect1 } from "../../../fakes/prefect1/fake-prefect1.ts";
import { ended, POD, putJob, startTestCluster, runId } from "../../../inventory/test-cluster.ts";
import type { JobSpec } from "../../../inventory/test-cluster.ts";
import { hurriedClock } from "../../../support/clock.ts";
import { fakePrefect3 } from "../../../support/prefect3.ts";
import type { TestCluster } from "../../../inventory/test-cluster.ts";

const NO_API =
  "warning: states of Prefect 1 flow runs are unknown: no API is configured; set it with --api or PREFECT__CLOUD__API\n";

async function mixedWorld(): Promise<TestCluster> {
  const testCluster = await startTestCluster({ controller: false, namespaces: ["other"] });
  putJob(testCluster, "job-live", { run: runId(1), pod: POD.running });
  putJob(testCluster, "job-failed", { run: runId(2), pod: POD.failed, status: ended("Failed") });
  putJob(testCluster, "job-pull", { run: runId(3), pod: POD.pulling });
  const labels = { "prefect.io/flow-run-id": runId(4), "prefect.io/flow-run-name": "amber-fox" };
  putJob(testCluster, "amber-fox-x", {
    run: runId(4),
    labels,
    podLabels: {},
    pod: POD.done,
    status: ended("Complete"),
  });
  putJob(testCluster, "elsewhere", { run: runId(5), namespace: "other", pod: POD.running });
  testCluster.fake.put("jobs", { metadata: { name: "foreign", labels: { app: "x" } }, spec: {} });
  return testCluster;
}

function owned(tenantId: string): Record<string, string> {
  return { "prefect.io/agent": ownerText({ name: "agent", labels: [], tenantId, process: "p" }) };
}

describe("kubectl prefect jobs", () => {
  it("lists Jobs of all Prefect versions with their pods, and warns that states are unknown", async () => {
    const { cli } = await mixedWorld();
    const { stdout, stderr, exitCode } = await cli(["jobs"]);
    expect(stdout).toBe(
      [
        "FLOW RUN    ID         STATE       JOB           PODS                   RESTARTS   AGE   STATUS",
        "<none>      22222222   <unknown>   job-failed    0/1 Error              0          3d    failed",
        "<none>      11111111   <unknown>   job-live      1/1 Running            2          3d    active",
        "<none>      33333333   <unknown>   job-pull      0/1 ImagePullBackOff   0          3d    stuck",
        "amber-fox   44444444   <unknown>   amber-fox-x   0/1 Completed          0          3d    finished",
        "",
      ].join("\n"),
    );
    expect(stderr).toContain(NO_API);
    expect(stderr).toContain("set it with PREFECT_API_URL\n");
    expect(exitCode).toBe(0);
  });

  it.each([
    { argv: ["get", "-o", "name"], text: "job.batch/job-failed\njob.batch/job-live\n" },
    {
      argv: ["jobs", "-o", "name", "-l", `prefect.io/flow_run_id=${runId(1)}`],
      text: "job.batch/job-live\n",
    },
    { argv: ["jobs", "-o", "Name"], text: "job.batch/job-failed\njob.batch/job-live\n" },
    {
      argv: ["jobs", "-o", "name", "--field-selector", "metadata.name=job-pull"],
      text: "job.batch/job-pull\n",
    },
    { argv: ["jobs", "-A"], text: "other       <none>" },
    { argv: ["jobs", "-o", "wide"], text: "container 'flow' exited with code 3" },
    { argv: ["jobs", "-o", "yaml"], text: "kind: FlowRunJob" },
  ])("prints the rows for $argv", async ({ argv, text }) => {
    const { cli } = await mixedWorld();
    const { stdout, exitCode } = await cli(argv);
    expect(stdout).toContain(text);
    expect(exitCode).toBe(0);
  });

  it.each([
    { argv: ["jobs", "-l", "!!"] },
    { argv: ["logs", "-l", "!!"] },
    { argv: ["cleanup", "--dry-run", "-l", "!!"] },
  ])("a selector that cannot be read is wrong usage: $argv", async ({ argv }) => {
    const { cli } = await mixedWorld();
    const { stderr, exitCode } = await cli(argv);
    expect(stderr).toMatch(/^error: cannot use selector "!!": unable to parse requirement/m);
    expect(exitCode).toBe(2);
  });

  it("prints the same in YAML and in JSON", async () => {
    const { cli } = await mixedWorld();
    const [json, yaml] = [await cli(["jobs", "-o", "json"]), await cli(["jobs", "-o", "yaml"])];
    expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
  });

  it("prints kubectl's message for an empty list, and exits with 0", async () => {
    const { cli } = await startTestCluster();
    expect(await cli(["jobs"])).toEqual({
      stdout: "",
      stderr: "No resources found in default namespace.\n",
      exitCode: 0,
    });
    expect((await cli(["jobs", "-A"])).stderr).toBe("No resources found\n");
  });

  it("shows names and states of Prefect 1, and <deleted> for a run that Prefect does not have", async () => {
    const testCluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const flow = prefect.createFlow({ name: "f" });
    const run = prefect.createFlowRun({ flow, name: "quick-fox" });
    prefect.setState(run.id, { type: "Running" });
    putJob(testCluster, "mine", { run: run.id, pod: POD.running });
    putJob(testCluster, "lost", { run: runId(9), flow: flow.id, pod: POD.running });
    const { stdout, stderr } = await testCluster.cli(["jobs", "--api", prefect.url, "-b", "server"]);
    expect(stdout).toMatch(/^<none> +99999999 +<deleted> +lost .* orphaned$/m);
    expect(stdout).toMatch(/^quick-fox +\w{8} +Running +mine .* active$/m);
    expect(stderr).toBe("");
  });

  it("says which runs' agent is gone: nobody reports how they end", async () => {
    const testCluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const api = ["--api", prefect.url, "-b", "server"];
    const run = prefect.createFlowRun({ flow: prefect.createFlow({ name: "f" }), name: "left-run" });
    prefect.setState(run.id, { type: "Running" });
    const gone = { name: "gpu", labels: ["gpu"], tenantId: prefect.tenantId, process: "p" };
    const annotations = { "prefect.io/agent": ownerText(gone) };
    putJob(testCluster, "left", { run: run.id, annotations, pod: POD.running });
    const { stdout, stderr } = await testCluster.cli(["jobs", "-o", "wide", ...api]);
    expect(stdout).toMatch(/^left-run .* active .*; its agent "gpu" does not poll any more$/m);
    expect(stderr).toBe(
      'warning: agent "gpu" with label gpu does not poll any more: until another one adopts its flow run, nobody reports how it ends\n',
    );
    const { stdout: json } = await testCluster.cli(["inspect", "left-run", "-o", "json", ...api]);
    expect(JSON.parse(json)).toMatchObject({
      flowRun: { agent: { name: "gpu", labels: ["gpu"], lastPolledSecondsAgo: null, gone: true } },
    });
    const { stdout: tree } = await testCluster.cli(["inspect", "left-run", ...api]);
    expect(tree).toContain('|- agent "gpu" with label gpu does not poll any more\n');
    expect(tree).toContain(
      'AN AGENT WOULD\n  adopt it, if its name is "gpu" or it has all labels of the flow run',
    );
  });

  it("shows a longer prefix of ids that start with a timestamp", async () => {
    const testCluster = await startTestCluster();
    const run = "019aa7c1-6a2e-7b3c-8d4e-5f60718293a4";
    putJob(testCluster, "third", { run, labels: { "prefect.io/flow-run-id": run }, pod: POD.running });
    const { stdout } = await testCluster.cli(["jobs", "--no-headers"]);
    expect(stdout).toMatch(/^<none> +019aa7c1-6a2e +<unknown> /);
    expect((await testCluster.cli(["inspect", "019aa7c1-6a2e"])).exitCode).toBe(0);
  });

  it("shows the state names of Prefect 3", async () => {
    const testCluster = await startTestCluster();
    const labels = { "prefect.io/flow-run-id": runId(4) };
    putJob(testCluster, "third", { run: runId(4), labels, pod: POD.running });
    const state = { type: "CRASHED", name: "Crashed", timestamp: "2026-01-01T00:00:00Z" };
    const { fake, url } = await fakePrefect3();
    fake.put({ id: runId(4), name: "amber-fox", state });
    const env = { PREFECT_API_URL: url, PREFECT_API_KEY: "pnu_secret" };
    const { stdout, stderr } = await testCluster.cli(["jobs"], { env });
    expect(stdout).toMatch(/^amber-fox +44444444 +Crashed +third /m);
    expect(stderr).toBe("");
    expect(fake.calls.filter(({ body }) => "id" in objectIn(body["flow_runs"]))).toEqual([
      {
        path: "/flow_runs/filter",
        authorization: "Bearer pnu_secret",
        body: { flow_runs: { id: { any_: [runId(4)] } }, limit: 200 },
      },
    ]);
  });

  it("works without Prefect when its API is unreachable, and warns once", async () => {
    const testCluster = await startTestCluster();
    putJob(testCluster, "mine", { run: runId(1), pod: POD.running });
    const { stdout, stderr, exitCode } = await testCluster.cli([
      "jobs",
      "--api",
      "http://127.0.0.1:1",
      "-b",
      "server",
    ]);
    expect(stdout).toContain("<unknown>");
    expect(stderr).toMatch(
      /^warning: states of Prefect 1 flow runs are unknown: .*connection refused; check .*\n$/,
    );
    expect(exitCode).toBe(0);
  });

  it("works without permission to list pods", async () => {
    const { fake, cli } = await mixedWorld();
    fake.forbid({ verbs: ["list"], resources: ["pods"] });
    const { stdout, stderr, exitCode } = await cli(["jobs"]);
    expect(stdout).toMatch(/job-live +<unknown> +<none> +3d +pending\n/);
    expect(stdout).toMatch(/job-failed +<unknown> +<none> +3d +failed\n/);
    expect(stdout).toMatch(/amber-fox-x +<unknown> +<none> +3d +finished\n/);
    expect(stderr).toMatch(/warning: cannot list pods in namespace "default": .*forbidden/);
    expect(exitCode).toBe(0);
  });

  it("tells nothing of a Dask cluster's pods that may not be listed", async () => {
    const cluster = await startTestCluster();
    const { fake, cli } = cluster;
    putJob(cluster, "job-1", { run: runId(1) });
    const labels = { "prefect.io/flow_run_id": runId(1) };
    fake.put("daskclusters", { metadata: { name: "operated", labels }, spec: {} });
    const name = `dask-${runId(1)}-03d5b8bb-0`;
    const selector = { "dask.org/cluster-name": name, "dask.org/component": "scheduler" };
    fake.put("services", { metadata: { name, labels: selector }, spec: { selector } });
    fake.forbid({ verbs: ["list"], resources: ["pods"] });
    expect((await cli(["jobs"])).stdout).toMatch(/ daskcluster\/operated +<unknown> +<none> +\w+ +active\n/);
    const { dask } = JSON.parse((await cli(["inspect", runId(1), "-o", "json"])).stdout) as {
      dask: object[];
    };
    const unknown = { status: "active", pods: null, restarts: null };
    expect(dask).toMatchObject([unknown, unknown]);
  });

  it("warns of DaskClusters that may not be listed only where Dask's operator has pods", async () => {
    const cluster = await startTestCluster();
    cluster.fake.forbid({ verbs: ["list"], resources: ["daskclusters"] });
    putJob(cluster, "job-1", { run: runId(1) });
    for (const argv of [["jobs"], ["inspect", runId(1)], ["cleanup", "--dry-run"]])
      expect((await cluster.cli(argv)).stderr).not.toContain("daskclusters");
    const labels = {
      "dask.org/cluster-name": "operated",
      "dask.org/component": "worker",
      "dask.org/workergroup-name": "operated-default",
    };
    cluster.fake.put("pods", {
      metadata: { name: "operated-worker", labels },
      spec: { containers: [{ name: "worker", image: "dask:1" }] },
      status: POD.running,
    });
    const { stderr } = await cluster.cli(["jobs"]);
    expect(stderr).toContain('warning: cannot list daskclusters in namespace "default": ');
  });

  it("fails without permission to list Jobs", async () => {
    const { fake, cli } = await mixedWorld();
    fake.forbid({ verbs: ["list"], resources: ["jobs"] });
    const { stdout, stderr, exitCode } = await cli(["jobs"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 4 });
    expect(stderr).toMatch(/^error: cannot list jobs in namespace "default": .*forbidden.*\nhint: .*\n$/);
  });

  it("shows from its events why a Job has no pods; reads events of no other Job", async () => {
    const testCluster = await mixedWorld();
    const eventsAsked = (): number => testCluster.fake.requests.count({ resource: "events" });
    await testCluster.cli(["jobs"]);
    expect(eventsAsked()).toBe(0);
    putJob(testCluster, "job-refused", { run: runId(6) });
    const { uid = "" } = testCluster.fake.get("jobs", "default", "job-refused")?.metadata ?? {};
    testCluster.fake.put("events", {
      metadata: { name: "job-refused.1", namespace: "default" },
      involvedObject: { kind: "Job", name: "job-refused", uid },
      type: "Warning",
      reason: "FailedCreate",
      message: 'Error creating: pods "job-refused-" is forbidden: serviceaccount "flows" not found',
    });
    const { stdout } = await testCluster.cli(["jobs", "-o", "wide"]);
    expect(stdout).toMatch(/job-refused +0\/0 .* stuck .* serviceaccount "flows" not found\n/);
    expect(eventsAsked()).toBe(1);
  });

  it("groups the Jobs by namespace, whatever their Prefect version", async () => {
    const { cli } = await mixedWorld();
    const { stdout } = await cli(["jobs", "-A", "--no-headers"]);
    const namespaces = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    expect(namespaces).toEqual(["default", "default", "default", "default", "other"]);
  });

  it("counts a pod with the labels of both Prefect versions once, and shows no state for a label that is not an id", async () => {
    const testCluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const labels = { "prefect.io/flow_run_id": runId(1), "prefect.io/flow-run-id": runId(1) };
    putJob(testCluster, "both", { run: runId(1), labels, pod: POD.running });
    putJob(testCluster, "odd", { run: "not-an-id", pod: POD.running });
    const { stdout } = await testCluster.cli(["jobs", "--api", prefect.url, "-b", "server"]);
    expect(stdout).toMatch(/ <unknown> +both +1\/1 Running +2 /);
    expect(stdout).toMatch(/ not-an-i +<none> +odd +1\/1 Running /);
  });

  it.each<{
    readonly proof: string;
    readonly of: (flow: FlowRow, tenant: string) => Partial<JobSpec>;
    readonly state: string;
  }>([
    { proof: "Prefect knows its flow", of: (flow) => ({ flow: flow.id }), state: "deleted" },
    {
      proof: "its agent is of this tenant",
      of: (_, tenant) => ({ annotations: owned(tenant) }),
      state: "deleted",
    },
    {
      proof: "its agent is of another tenant",
      of: () => ({ annotations: owned(runId(7)) }),
      state: "unknown",
    },
    { proof: "its flow is another Prefect's", of: () => ({ flow: runId(8) }), state: "unknown" },
    { proof: "nothing tells", of: () => ({}), state: "unknown" },
  ])("shows <$state> for a run that Prefect does not have where $proof", async ({ of, state }) => {
    const testCluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    const flow = prefect.createFlow({ name: "f" });
    putJob(testCluster, "lost", { run: runId(9), pod: POD.running, ...of(flow, prefect.tenantId) });
    const asking = ["--api", prefect.url, "-b", "server"];
    const { stdout } = await testCluster.cli(["jobs", ...asking]);
    expect(stdout).toMatch(
      new RegExp(` <${state}> +lost .* ${state === "deleted" ? "orphaned" : "active"}\n`),
    );
    const { stdout: inspected } = await testCluster.cli(["inspect", "job/lost", ...asking]);
    expect(inspected).toContain(
      state === "deleted"
        ? "delete job.batch/lost: its flow run no longer exists"
        : "leave job.batch/lost: not finished",
    );
  });

  it("queries states in batches of 100, and lists Jobs page by page", async () => {
    const testCluster = await startTestCluster();
    const prefect = await startFakePrefect1();
    onTestFinished(() => prefect.stop());
    for (let at = 0; at < 620; at++) {
      const run = `${String(at).padStart(8, "0")}-0000-4000-8000-000000000000`;
      putJob(testCluster, `job-${at}`, { run });
    }
    const { stdout, stderr } = await testCluster.cli([
      "jobs",
      "--no-headers",
      "--api",
      prefect.url,
      "-b",
      "server",
    ]);
    expect(stdout.trim().split("\n")).toHaveLength(620);
    expect(stderr).toBe(
      "warning: 620 flow runs are not in this Prefect, so their states are unknown: check the API address and the tenant, or whether another Prefect uses this cluster\n",
    );
    const pages = testCluster.fake.requests.entries.filter(
      ({ resource, query }) => resource === "jobs" && query.includes("flow_run_id"),
    );
    expect(pages).toHaveLength(2);
    expect(prefect.requests.count("flow_run")).toBe(8);
  });

  it("lists Dask clusters with their run; the table shortens the id in their name", async () => {
    const testCluster = await startTestCluster();
    const name = `dask-${runId(1)}-03d5b8bb-0`;
    putJob(testCluster, "job-live", { run: runId(1), pod: POD.running });
    const labels = { "dask.org/cluster-name": name, "dask.org/component": "worker", app: "dask" };
    testCluster.fake.put("pods", {
      metadata: { name: `${name}abcde`, labels },
      spec: { restartPolicy: "Never", containers: [{ name: "dask-worker", image: "flows:1" }] },
      status: {
        ...POD.running,
        containerStatuses: [{ ...POD.running.containerStatuses[0], restartCount: 0 }],
      },
    });
    const { stdout } = await testCluster.cli(["jobs"]);
    expect(stdout).toMatch(
      /^<none> +11111111 +<unknown> +dask\/dask-11111111-\S+-03d5b8bb-0 +1\/1 Running .* active$/m,
    );
    expect((await testCluster.cli(["jobs", "-o", "name"])).stdout).toContain(`\npod/${name}abcde\n`);
  });

  it.each([
    { argv: ["jobs", "-o", "nope"], text: 'cannot read -o "nope": unknown output format' },
    { argv: ["jobs", "-o", "jsonpath={.items}"], text: "templates are not supported" },
  ])("rejects $argv before it sends a request", async ({ argv, text }) => {
    const { fake, cli } = await startTestCluster();
    const { stderr, exitCode } = await cli(argv);
    expect(stderr).toContain(text);
    expect(exitCode).toBe(2);
    expect(fake.requests.total).toBe(0);
  });
});

describe("kubectl prefect jobs --watch", () => {
  /** A cluster with a second Prefect API; its request log shows how far a watch has got. */
  async function watched() {
    const testCluster = await startTestCluster();
    const put = (digit: number, pod: JsonObject): void => {
      const labels = { "prefect.io/flow-run-id": runId(digit) };
      putJob(testCluster, `job-${digit}`, { run: runId(digit), labels, pod });
    };
    const { fake, url } = await fakePrefect3();
    const stop = new AbortController();
    const watch = (...argv: string[]) =>
      testCluster.cli(["jobs", "-w", ...argv], {
        signal: stop.signal,
        env: { PREFECT_API_URL: url },
        clock: hurriedClock,
      });
    const untilAsked = async (digit: number): Promise<void> => {
      await expect.poll(() => JSON.stringify(fake.calls), { timeout: 10_000 }).toContain(runId(digit));
    };
    return { ...testCluster, put, stop, watch, untilAsked };
  }

  it("appends new and changed rows in a pipe, and stops at a signal", async () => {
    const { put, stop, watch, untilAsked } = await watched();
    put(1, POD.pulling);
    const watching = watch("--no-headers");
    await untilAsked(1);
    put(1, POD.running);
    put(2, POD.running);
    await untilAsked(2);
    put(3, POD.running);
    await untilAsked(3);
    stop.abort();
    const { stdout, exitCode } = await watching;
    expect(stdout.match(/job-1 +\S+ \S+/g)).toEqual(["job-1   0/1 ImagePullBackOff", "job-1   1/1 Running"]);
    expect(stdout.match(/job-2 +\S+ \S+/g)).toHaveLength(1);
    expect(exitCode).toBe(130);
  });

  it("appends names and objects, too", async () => {
    const { put, stop, watch, untilAsked } = await watched();
    put(1, POD.running);
    const watching = watch("-o", "name");
    await untilAsked(1);
    put(2, POD.running);
    await untilAsked(2);
    put(3, POD.running);
    await untilAsked(3);
    stop.abort();
    expect((await watching).stdout).toMatch(/^job.batch\/job-1\njob.batch\/job-2\n/);
  });

  it("warns once that the cluster is unreachable, whichever list fails first, and continues when it is back", async () => {
    const { fake, put, stop, watch, untilAsked } = await watched();
    put(1, POD.running);
    const watching = watch("-o", "name");
    await untilAsked(1);
    put(2, POD.running);
    // Now the first query is over, which would end the command if it failed.
    await untilAsked(2);
    const failing = (list: string) =>
      fake.fault({
        effect: { kind: "status", status: 503 },
        times: Infinity,
        match: ({ resource }) => resource === list,
      });
    const hasFailed = async (fault: { hits(): number }): Promise<void> => {
      await expect.poll(() => fault.hits(), { timeout: 10_000 }).toBeGreaterThan(4);
    };
    const jobs = failing("jobs");
    await hasFailed(jobs);
    const pods = failing("pods");
    await hasFailed(pods);
    jobs.remove();
    await hasFailed({ hits: () => pods.hits() - 20 });
    pods.remove();
    put(3, POD.running);
    await untilAsked(3);
    stop.abort();
    const { stdout, stderr } = await watching;
    expect(stderr.match(/503.*; retrying/g)).toHaveLength(1);
    expect(stdout).toMatch(/^job.batch\/job-1\njob.batch\/job-2\n/);
  });

  it("fails with the reason when the cluster denies access", async () => {
    const { fake, cli } = await startTestCluster();
    fake.forbid({ verbs: ["list"], resources: ["jobs"] });
    const { stderr, exitCode } = await cli(["jobs", "-w"]);
    expect(stderr).toMatch(/^error: cannot list jobs in namespace "default": .*forbidden/);
    expect(exitCode).toBe(4);
  });
});
