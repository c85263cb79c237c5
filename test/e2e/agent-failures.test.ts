// Flow runs that fail in real pods: each becomes Failed in Prefect, with the reason.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { countsDeletedPods, listed, mustKubectl } from "./support/kubectl.ts";
import type { Listed } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

const NEVER_ENDS = "state Running Running; until [ -e /tmp/end ]; do sleep 0.2; done";

let namespace: string;
let reachable: ReachablePrefect;
let agent: PluginProcess;

beforeAll(async () => {
  namespace = await createNamespace("failures");
  reachable = await startReachablePrefect();
  agent = await startAgent([
    "-a",
    reachable.api,
    "-n",
    namespace,
    "--start-grace",
    "2s",
    "--cancel-grace",
    "2s",
  ]);
});

afterAll(async () => {
  await agent.stop("SIGKILL");
  await reachable.prefect.stop();
  removeNamespace(namespace);
});

function dueRun(...run: Parameters<typeof shellRun>): string {
  const flow = reachable.prefect.createFlow({ name: "shell" });
  return reachable.prefect.createFlowRun({ flow, runConfig: shellRun(...run) }).id;
}

function untilState(id: string, state: string): Promise<void> {
  const reached = (): boolean => reachable.prefect.flowRun(id)?.state === state;
  return reachable.prefect.until(reached, { what: `${id} ${state}`, timeoutMs: 90_000 });
}

const messageOf = (id: string): string => reachable.prefect.flowRun(id)?.state_message ?? "";
const errorsOf = (id: string): string[] =>
  reachable.prefect.logsOf(id).flatMap(({ level, message }) => (level === "ERROR" ? [message ?? ""] : []));
const ofRun = (kind: "jobs" | "pods", id: string): Listed[] =>
  listed(kind, namespace).filter(({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id);
const jobsOf = (id: string): string[] => ofRun("jobs", id).map(({ metadata }) => metadata.name);
const podsOf = (id: string): Listed[] => ofRun("pods", id);

function deletePods(id: string): void {
  mustKubectl(["delete", "pod", "-l", `prefect.io/flow_run_id=${id}`, "-n", namespace, "--wait=false"]);
}

// The kubelet of 1.20 ends a pod without containers only in its garbage collection, once a minute.
async function untilJobDeleted(id: string): Promise<void> {
  await vi.waitFor(() => expect(jobsOf(id)).toEqual([]), { timeout: 120_000, interval: 500 });
}

describe.concurrent("a flow run in Kubernetes", () => {
  it("that succeeds stays Success, with no error in its log", async () => {
    const id = dueRun(SUCCEEDS);
    await untilState(id, "Success");
    await untilJobDeleted(id);
    expect(reachable.prefect.flowRun(id)?.state).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });

  it.each([
    {
      name: "exits with an error",
      script: "state Running Running; echo first; echo the last line; exit 3",
      container: {},
      message: /^Kubernetes Error: container 'flow' exited with code 3/,
      log: ["the last line", "exited with code 3"],
    },
    {
      name: "exits before it is Running",
      script: "echo no module named flows; exit 1",
      container: {},
      message: /^Kubernetes Error: container 'flow' exited with code 1/,
      log: ["no module named flows"],
    },
    {
      name: "exits with the code of SIGKILL",
      script: "state Running Running; exit 137",
      container: {},
      message: /^Kubernetes Error: container 'flow' was killed by signal SIGKILL/,
      log: ["exit code 137"],
    },
    {
      name: "exceeds its memory limit",
      script: "state Running Running; tail /dev/zero",
      container: { resources: { limits: { memory: "16Mi" } } },
      message: /^Kubernetes Error: container 'flow' ran out of memory .*limit 16Mi/,
      log: ["OOMKilled", "limit 16Mi"],
    },
    {
      name: "has an image that cannot be pulled",
      script: SUCCEEDS,
      container: { image: "registry.invalid/none:1", imagePullPolicy: "Never" },
      message: /^Kubernetes Error: image "registry.invalid\/none:1" of container 'flow' cannot be pulled/,
      log: ["image_pull_secrets"],
    },
    {
      name: "has an invalid image name",
      script: SUCCEEDS,
      container: { image: "NOT//AN IMAGE" },
      message: /^Kubernetes Error: image "NOT\/\/AN IMAGE" of container 'flow' is no valid image name/,
      log: ["correct the image"],
    },
    {
      name: "uses a ConfigMap that does not exist",
      script: SUCCEEDS,
      container: { envFrom: [{ configMapRef: { name: "absent" } }] },
      message: /^Kubernetes Error: container 'flow' cannot be configured .*configmap "absent" not found/,
      log: ["ConfigMap"],
    },
    {
      name: "has a command that does not exist",
      script: SUCCEEDS,
      container: { command: ["/absent"] },
      message: /^Kubernetes Error: container 'flow' could not be started .*\/absent/,
      log: ["/absent"],
    },
  ])("that $name becomes Failed once, with the reason, and its Job is deleted", async (row) => {
    const id = dueRun(row.script, row.container);
    await untilState(id, "Failed");
    await untilJobDeleted(id);
    expect(messageOf(id)).toMatch(row.message);
    const errors = errorsOf(id);
    expect(errors).toHaveLength(1);
    for (const part of row.log) expect(errors[0]).toContain(part);
    expect(reachable.prefect.history(id).filter(({ type }) => type === "Failed")).toHaveLength(1);
  });

  it("whose Job the cluster rejects becomes Failed with the cluster's error", async () => {
    const id = dueRun(SUCCEEDS, { env: [{ name: "NOT A NAME=", value: "x" }] });
    await untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*spec\.template\.spec\.containers\[0\]\.env/);
    expect(jobsOf(id)).toEqual([]);
  });

  it("whose Job somebody deletes becomes Failed", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    mustKubectl(["delete", "job", ...jobsOf(id), "-n", namespace, "--wait=false"]);
    await untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*deleted/);
  });

  it.runIf(countsDeletedPods())(
    "whose pod somebody deletes becomes Failed, and its Job is deleted",
    async () => {
      const id = dueRun(NEVER_ENDS);
      await untilState(id, "Running");
      deletePods(id);
      await untilState(id, "Failed");
      expect(messageOf(id)).toMatch(/^Kubernetes Error: /);
      await untilJobDeleted(id);
    },
  );

  it.skipIf(countsDeletedPods())("continues in the pod that replaces a deleted one", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    const [first] = podsOf(id);
    deletePods(id);
    const isReplaced = (): void => {
      const phases = podsOf(id).flatMap(({ metadata, status }) =>
        metadata.name === first?.metadata.name ? [] : [status?.phase],
      );
      expect(phases).toEqual(["Running"]);
    };
    await vi.waitFor(isReplaced, { timeout: 60_000, interval: 500 });
    // The new pod sets Running, too, and that must not come after Cancelled.
    const runnings = (): number =>
      reachable.prefect.history(id).filter(({ type }) => type === "Running").length;
    await reachable.prefect.until(() => runnings() === 2, {
      what: "the second pod's Running",
      timeoutMs: 60_000,
    });
    reachable.prefect.setState(id, { type: "Cancelled" });
    await untilJobDeleted(id);
    expect(reachable.prefect.history(id).map(({ type }) => type)).not.toContain("Failed");
  });

  it("that is cancelled becomes Cancelled, and its Job is deleted after the grace period", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    reachable.prefect.setState(id, { type: "Cancelling" });
    await untilState(id, "Cancelled");
    await untilJobDeleted(id);
    expect(errorsOf(id)).toEqual([]);
  });

  it("that has finished keeps its state, whatever its pod does afterwards", async () => {
    const id = dueRun("state Running Running; state Success Done; exit 7");
    await untilState(id, "Success");
    await untilJobDeleted(id);
    expect(reachable.prefect.flowRun(id)?.state).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });
});
