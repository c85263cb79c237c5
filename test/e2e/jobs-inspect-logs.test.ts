// jobs, inspect and logs on a real cluster: active, failed, pending and stuck Jobs of Prefect 1, a Job of Prefect 3's worker, a Job of Prefect
// 2's agent, whose pods have no Prefect label, and Dask; for users with all, some or no permissions.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "../../src/base/json.ts";
import { PluginProcess, runPlugin } from "./support/agent-process.ts";
import type { ProcessResult } from "./support/agent-process.ts";
import { rowsIn } from "./support/job-rows.ts";
import { kubectl, listed, mustKubectl } from "./support/kubectl.ts";
import { apply, daskPod, DONE, flowJob, job, waitFor, WORKS } from "./support/leftovers.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { TestSetup } from "./support/test-setup.ts";

const id = (digit: number): string => `${digit}1111111-1111-4111-8111-111111111111`;
const prefect1 = (digit: number) => ({
  "prefect.io/flow_run_id": id(digit),
  "prefect.io/identifier": "0a1b2c3d",
});

const WORKER = {
  "prefect.io/flow-run-id": id(5),
  "prefect.io/flow-run-name": "amber-fox",
  "prefect.io/flow-name": "etl",
  "prefect.io/work-pool-name": "k8s",
  "app.kubernetes.io/managed-by": "prefect",
};

const JOBS: readonly JsonObject[] = [
  job("live", prefect1(2), "echo begun; sleep 3600"),
  job("failed", prefect1(3), "echo it broke >&2; exit 3"),
  job("unpulled", prefect1(4), { script: "true", container: { image: "registry.invalid/flows:1" } }),
  job("refused", prefect1(1), { script: "true", pod: { serviceAccountName: "not-there" } }),
  job("worker", WORKER, "echo from three; sleep 3600"),
  job("agent2", { "prefect.io/flow-run-id": id(6) }, { script: "sleep 3600", podLabels: {} }),
];

let namespace: string;

function read(...args: readonly string[]): Promise<ProcessResult> {
  return runPlugin([...args, "-n", namespace]);
}

beforeAll(async () => {
  namespace = await createNamespace("reading");
  apply(namespace, JOBS);
  const isSettled = async (): Promise<boolean> => {
    const { stdout } = await read("jobs", "--no-headers");
    const running = stdout.match(/1\/1 Running/g) ?? [];
    const isPulling = /unpulled +0\/1 (?:ErrImagePull|ImagePullBackOff)/.test(stdout);
    return (
      isPulling &&
      /refused .* stuck/.test(stdout) &&
      /failed +0\/1 Error/.test(stdout) &&
      running.length === 3
    );
  };
  await vi.waitUntil(isSettled, { timeout: 90_000, interval: 1_000 });
});

afterAll(() => {
  removeNamespace(namespace);
});

describe("kubectl prefect jobs", () => {
  it("shows the status of Jobs of every Prefect version", async () => {
    const { stdout, code } = await read("jobs", "-o", "json");
    const rows = rowsIn(stdout).map(({ metadata, status }) => [metadata.name, status]);
    expect(rows.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1))).toEqual([
      ["agent2", "active"],
      ["failed", "failed"],
      ["live", "active"],
      ["refused", "stuck"],
      ["unpulled", "pending"],
      ["worker", "active"],
    ]);
    expect(code).toBe(0);
  });

  it("lists the same Jobs as kubectl for a label selector", async () => {
    const listedByPlugin = await read("jobs", "-o", "name", "-l", "prefect.io/identifier=0a1b2c3d");
    const listedByKubectl = mustKubectl([
      "get",
      "jobs",
      "-n",
      namespace,
      "-o",
      "name",
      "-l",
      "prefect.io/identifier=0a1b2c3d",
    ]);
    expect(listedByPlugin.stdout.split("\n").sort()).toEqual(listedByKubectl.split("\n").sort());
  });

  it("shows why a Job has no pod, from its events", async () => {
    const { stdout } = await read("jobs", "-o", "wide", "--field-selector", "metadata.name=refused");
    expect(stdout).toMatch(/refused +0\/0 .* stuck .* serviceaccount "not-there" not found\n$/);
  });

  it("prints the same Jobs in every output format", async () => {
    const names = ["failed", "live", "refused", "unpulled", "agent2", "worker"];
    const outputs = await Promise.all(
      ["name", "json", "yaml"].map(async (format) => (await read("jobs", "-o", format)).stdout),
    );
    const [name = "", json = "", yaml = ""] = outputs;
    expect(name).toBe(names.map((each) => `job.batch/${each}\n`).join(""));
    const objects = names.map((each) => ({ kind: "FlowRunJob", metadata: { name: each } }));
    // Each format is read at its own moment, and the cluster goes on: the names stay, a pod's phase need not.
    expect(JSON.parse(json)).toMatchObject({ kind: "List", items: objects });
    expect(parse(yaml)).toMatchObject({ kind: "List", items: objects });
  });

  it("groups Jobs by namespace with -A", async () => {
    const { stdout } = await runPlugin(["jobs", "-A", "--no-headers"]);
    const namespaces = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    const first = namespaces.indexOf(namespace);
    expect(namespaces.slice(first, first + JOBS.length)).toEqual(JOBS.map(() => namespace));
  });

  it("reports that there are no Jobs", async () => {
    expect(await runPlugin(["jobs", "-n", "kube-public"])).toEqual({
      stdout: "",
      stderr: "No resources found in kube-public namespace.\n",
      code: 0,
    });
  });

  it("prints changes with -w", async () => {
    const watch = new PluginProcess(["jobs", "-w", "-n", namespace, "--no-headers"]);
    await watch.untilPrinted(/ worker +1\/1 Running/);
    apply(namespace, [job("late", prefect1(7), "exit 0")]);
    await watch.untilPrinted(/ late +0\/1 Completed/);
    expect(await watch.stop("SIGINT")).toMatchObject({ code: 130 });
  });
});

describe("kubectl prefect inspect", () => {
  it("shows why a pod does not start, with the kubelet's message", async () => {
    const { stdout, code } = await read("inspect", "job/unpulled");
    expect(stdout).toContain(`flow run ${id(4)} (Prefect 1)`);
    expect(stdout).toMatch(
      /container flow \(registry\.invalid\/flows:1\) waiting: (?:ErrImagePull|ImagePullBackOff)/,
    );
    expect(stdout).toMatch(/event Failed .*Failed to pull image "registry\.invalid\/flows:1"/);
    expect(stdout).toMatch(/^STATUS pending: image "registry\.invalid\/flows:1"/m);
    expect(code).toBe(0);
  });

  it("finds a run of Prefect 3 by its name", async () => {
    const { stdout } = await read("inspect", "amber-fox");
    expect(stdout).toContain(`flow run amber-fox ${id(5)} (Prefect 2 or 3)`);
  });

  it("fails for an unknown run", async () => {
    expect(await read("inspect", id(9))).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("kubectl prefect logs", () => {
  it.each([
    { run: "31111111", log: "it broke\n" },
    { run: "amber-fox", log: "from three\n" },
    { run: "job/live", log: "begun\n" },
  ])("prints the log of $run", async ({ run, log }) => {
    expect(await read("logs", run)).toEqual({ stdout: log, stderr: "", code: 0 });
  });

  it("reports why there is no log", async () => {
    const { stderr, code } = await read("logs", "job/unpulled");
    expect(stderr).toMatch(/container "flow" has not started \((?:ErrImagePull|ImagePullBackOff)\)/);
    expect(code).toBe(1);
  });

  it("follows a failed attempt into the next Job, and ends with the last one", async () => {
    apply(namespace, [job("try-1", prefect1(8), "echo first; sleep 3; exit 1")]);
    const logs = new PluginProcess(["logs", id(8), "-f", "-n", namespace]);
    await logs.untilPrinted("first\n");
    apply(namespace, [job("try-2", prefect1(8), "echo second; sleep 4; echo done")]);
    expect(await logs.ended).toMatchObject({ code: 0, stdout: "first\nsecond\ndone\n" });
    expect(listed("jobs", namespace).map(({ metadata }) => metadata.name)).toContain("try-2");
  });
});

describe("a user without all permissions", () => {
  function newUser(name: string): string {
    mustKubectl(["create", "serviceaccount", name, "-n", namespace]);
    return `system:serviceaccount:${namespace}:${name}`;
  }

  it.each(["jobs", "inspect job/failed", "logs job/failed"])(
    "gets an error that names the missing permission: %s",
    async (line) => {
      const as = newUser(`nobody-${line.split(" ")[0]}`);
      expect(kubectl(["get", "jobs", "-n", namespace, "--as", as]).code).toBe(1);
      const { stdout, stderr, code } = await read(...line.split(" "), "--as", as);
      expect(stderr).toMatch(/^error: cannot list jobs in namespace .*forbidden.*\nhint: .*\n$/);
      expect({ stdout, code }).toEqual({ stdout: "", code: 4 });
    },
  );

  it("sees the status from the Jobs alone without permission to list pods", async () => {
    const as = newUser("jobs-only");
    const who = ["-n", namespace];
    mustKubectl(["create", "role", "jobs-only", "--verb=list", "--resource=jobs.batch", ...who]);
    const subject = `--serviceaccount=${namespace}:jobs-only`;
    mustKubectl(["create", "rolebinding", "jobs-only", "--role=jobs-only", subject, ...who]);
    const jobs = await read("jobs", "--as", as);
    expect(jobs.stdout).toMatch(/ failed +<unknown> .* failed\n/);
    expect(jobs.stdout).toMatch(/ live +<unknown> .* active\n/);
    expect(jobs.stderr).toMatch(/warning: cannot list pods in namespace .*forbidden/);
    expect(jobs.code).toBe(0);
    const inspected = await read("inspect", "job/failed", "--as", as);
    expect(inspected.stdout).toContain("no permission to list its pods");
    expect(inspected.stdout).toMatch(/^STATUS failed: Job has reached the specified backoff limit$/m);
    expect(inspected.code).toBe(0);
    expect(await read("logs", "job/failed", "--as", as)).toMatchObject({ stdout: "", code: 4 });
  });
});

describe("with a Prefect API", () => {
  let setup: TestSetup;
  let failed: string;
  let cluster: string;

  beforeAll(async () => {
    setup = await TestSetup.open("reading-prefect");
    const { prefect, namespace: other } = setup;
    const flow = prefect.createFlow({ name: "etl" });
    failed = prefect.createFlowRun({ flow, name: "sad-seal" }).id;
    prefect.setState(failed, { type: "Failed", message: "it broke" });
    cluster = `dask-${failed}-0123abcd-4`;
    apply(other, [
      flowJob("sad", failed, "exit 1"),
      flowJob("deleted", id(2), WORKS),
      daskPod("worker", cluster, WORKS),
      daskPod("nobodys", "dask-jim-11111111-1", WORKS),
      daskPod("left", "dask-jim-22222222-2", DONE),
    ]);
    // This Prefect knows the flow, so that it had the run.
    setup.kubectl("label", "job", "deleted", `prefect.io/flow_id=${flow.id}`);
    await waitFor(other, ["pod/worker", "pod/nobodys"], "condition=Ready");
    await waitFor(other, ["pod/left"], "jsonpath={.status.phase}=Succeeded");
    await waitFor(other, ["job/sad"], "condition=Failed");
  });

  afterAll(() => setup?.close());

  it("lists Jobs and Dask clusters with their run's name and state and their status", async () => {
    const { stdout, stderr, code } = await setup.plugin("jobs", "-o", "json");
    const rows = rowsIn(stdout).map(({ flowRun, metadata, status }) => [
      flowRun?.name ?? "<none>",
      flowRun?.state?.name ?? "<none>",
      metadata.name,
      status,
    ]);
    expect(rows).toEqual([
      ["<none>", "<deleted>", "deleted", "orphaned"],
      ["sad-seal", "Failed", "sad", "failed"],
      ["sad-seal", "Failed", cluster, "orphaned"],
      ["<none>", "<none>", "dask-jim-11111111-1", "unowned"],
      ["<none>", "<none>", "dask-jim-22222222-2", "finished"],
    ]);
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  });

  it("shows what an agent and cleanup would do with a failed run's Job and Dask cluster", async () => {
    const { stdout } = await setup.plugin("inspect", "sad-seal");
    expect(stdout).toContain("\n|- state Failed: it broke\n");
    expect(stdout).toContain(`dask/${cluster} (classic, attributed by name)`);
    expect(stdout).toContain(
      `AN AGENT WOULD\n  delete Dask cluster ${cluster}: nothing else deletes it\n  delete Job sad\n`,
    );
    expect(stdout).toMatch(/\nCLEANUP WOULD \(--older-than 10m\)\n  leave job\.batch\/sad: failed only /);
    expect(stdout).toMatch(/\n  leave pod\/worker: its flow run is Failed, but the last change was /);
  });
});
