// jobs, inspect and logs on a real cluster: live, failed and stuck Jobs of Prefect 1, one as Prefect 3's worker labels it,
// and one of Prefect 2's agent, whose pods carry no label of Prefect.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { PluginProcess, runPlugin } from "./support/agent-process.ts";
import type { Ended } from "./support/agent-process.ts";
import { kubectl, listed, mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";

interface Given {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly script: string;
  readonly image?: string;
}

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

const JOBS: readonly Given[] = [
  { name: "live", labels: prefect1(2), script: "echo begun; sleep 3600" },
  { name: "failed", labels: prefect1(3), script: "echo it broke >&2; exit 3" },
  { name: "stuck", labels: prefect1(4), script: "true", image: "registry.invalid/flows:1" },
  { name: "worker", labels: WORKER, script: "echo from three; sleep 3600" },
  { name: "agent2", labels: { "prefect.io/flow-run-id": id(6) }, podLabels: {}, script: "sleep 3600" },
];

const WATCHED = String.raw`jsonpath={.metadata.name}:{.pods[*].status}{"\n"}`;

let namespace: string;

function createJob({ name, labels, podLabels = labels, script, image = "busybox:latest" }: Given): void {
  const container = { name: "flow", image, imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script] };
  const podSpec = { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [container] };
  const template = { metadata: { labels: podLabels }, spec: podSpec };
  const spec = { backoffLimit: 0, template };
  const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name, labels }, spec };
  mustKubectl(["create", "-n", namespace, "-f", "-"], JSON.stringify(job));
}

function read(...args: readonly string[]): Promise<Ended> {
  return runPlugin([...args, "-n", namespace]);
}

beforeAll(async () => {
  namespace = await createNamespace("reading");
  JOBS.forEach(createJob);
  const isSettled = async (): Promise<boolean> => {
    const { stdout } = await read("jobs", "--no-headers");
    const running = stdout.match(/1\/1 Running/g) ?? [];
    const isStuck = /stuck +0\/1 (?:ErrImagePull|ImagePullBackOff)/.test(stdout);
    return isStuck && /failed +0\/1 Error/.test(stdout) && running.length === 3;
  };
  await vi.waitUntil(isSettled, { timeout: 90_000, interval: 1_000 });
});

afterAll(() => {
  removeNamespace(namespace);
});

describe("kubectl prefect jobs", () => {
  it("gives each Job its verdict, whichever Prefect it is of", async () => {
    const { stdout, code } = await read(
      "jobs",
      "-o",
      "custom-columns=J:.metadata.name,V:.verdict.word",
      "--sort-by",
      "JOB",
    );
    const rows = stdout.trim().split("\n").slice(1);
    expect(rows.map((row) => row.split(/ +/))).toEqual([
      ["agent2", "active"],
      ["failed", "failed"],
      ["live", "active"],
      ["stuck", "stuck"],
      ["worker", "active"],
    ]);
    expect(code).toBe(0);
  });

  it("lists by a selector the Jobs that kubectl lists", async () => {
    const ours = await read("jobs", "-o", "name", "-l", "prefect.io/identifier=0a1b2c3d");
    const theirs = mustKubectl([
      "get",
      "jobs",
      "-n",
      namespace,
      "-o",
      "name",
      "-l",
      "prefect.io/identifier=0a1b2c3d",
    ]);
    expect(ours.stdout.split("\n").sort()).toEqual(theirs.split("\n").sort());
  });

  it("appends with -w what happens", async () => {
    const watch = new PluginProcess(["jobs", "-w", "-n", namespace, "-o", WATCHED]);
    await watch.says("worker:Running");
    createJob({ name: "late", labels: prefect1(7), script: "exit 0" });
    await watch.says("late:Completed");
    expect(await watch.stop("SIGINT")).toMatchObject({ code: 130 });
  });
});

describe("kubectl prefect inspect", () => {
  it("tells why a pod does not start, with what the kubelet says", async () => {
    const { stdout, code } = await read("inspect", "job/stuck");
    expect(stdout).toContain(`flow run ${id(4)} (Prefect 1)`);
    expect(stdout).toMatch(
      /container flow \(registry\.invalid\/flows:1\) waiting: (?:ErrImagePull|ImagePullBackOff)/,
    );
    expect(stdout).toMatch(/event Failed .*Failed to pull image "registry\.invalid\/flows:1"/);
    expect(stdout).toMatch(/^VERDICT stuck: image "registry\.invalid\/flows:1"/m);
    expect(code).toBe(0);
  });

  it("finds a run of Prefect 3 by its name", async () => {
    const { stdout } = await read("inspect", "amber-fox");
    expect(stdout).toContain(`flow run amber-fox ${id(5)} (Prefect 2 or 3)`);
  });

  it("fails for a run that is not there", async () => {
    expect(await read("inspect", id(9))).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("kubectl prefect logs", () => {
  it.each([
    { run: "31111111", says: "it broke\n" },
    { run: "amber-fox", says: "from three\n" },
    { run: "job/live", says: "begun\n" },
  ])("prints the log of $run", async ({ run, says }) => {
    expect(await read("logs", run)).toEqual({ stdout: says, stderr: "", code: 0 });
  });

  it("says why there is none", async () => {
    const { stderr, code } = await read("logs", "job/stuck");
    expect(stderr).toMatch(/container "flow" has not started \((?:ErrImagePull|ImagePullBackOff)\)/);
    expect(code).toBe(1);
  });

  it("follows a failed try into the next Job, and ends with the last", async () => {
    createJob({ name: "try-1", labels: prefect1(8), script: "echo first; sleep 3; exit 1" });
    const logs = new PluginProcess(["logs", id(8), "-f", "-n", namespace]);
    await logs.says("first\n");
    createJob({ name: "try-2", labels: prefect1(8), script: "echo second; sleep 4; echo done" });
    expect(await logs.ended).toMatchObject({ code: 0, stdout: "first\nsecond\ndone\n" });
    expect(listed("jobs", namespace).map(({ metadata }) => metadata.name)).toContain("try-2");
  });

  it("says which right is missing", async () => {
    mustKubectl(["create", "serviceaccount", "nobody", "-n", namespace]);
    const as = `system:serviceaccount:${namespace}:nobody`;
    expect(kubectl(["get", "jobs", "-n", namespace, "--as", as]).code).toBe(1);
    const { stderr, code } = await read("jobs", "--as", as);
    expect(stderr).toMatch(/cannot list jobs in namespace .*forbidden/);
    expect(code).toBe(4);
  });
});
