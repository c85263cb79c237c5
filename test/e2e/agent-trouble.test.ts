// Flow runs that go wrong in real pods: each is Failed in Prefect with the reason that its owner needs, beside one that goes
// well.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { listed, mustKubectl, serverMinor } from "./support/kubectl.ts";
import type { Listed } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { GOES_WELL, shellRun } from "./support/shell-flow.ts";

const NEVER_ENDS = "state Running Running; until [ -e /tmp/end ]; do sleep 0.2; done";
const COUNTS_DELETED_PODS = serverMinor() >= 25;

let namespace: string;
let world: ReachablePrefect;
let agent: PluginProcess;

beforeAll(async () => {
  namespace = await createNamespace("trouble");
  world = await startReachablePrefect();
  agent = await startAgent(["-a", world.api, "-n", namespace, "--start-grace", "2s", "--cancel-grace", "2s"]);
});

afterAll(async () => {
  await agent.stop("SIGKILL");
  await world.prefect.stop();
  removeNamespace(namespace);
});

function dueRun(...run: Parameters<typeof shellRun>): string {
  const flow = world.prefect.createFlow({ name: "shell" });
  return world.prefect.createFlowRun({ flow, runConfig: shellRun(...run) }).id;
}

function untilState(id: string, state: string): Promise<void> {
  const reached = (): boolean => world.prefect.flowRun(id)?.state === state;
  return world.prefect.until(reached, { what: `${id} ${state}`, timeoutMs: 90_000 });
}

const messageOf = (id: string): string => world.prefect.flowRun(id)?.state_message ?? "";
const errorsOf = (id: string): string[] =>
  world.prefect.logsOf(id).flatMap(({ level, message }) => (level === "ERROR" ? [message ?? ""] : []));
const ofRun = (kind: "jobs" | "pods", id: string): Listed[] =>
  listed(kind, namespace).filter(({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id);
const jobsOf = (id: string): string[] => ofRun("jobs", id).map(({ metadata }) => metadata.name);
const podsOf = (id: string): Listed[] => ofRun("pods", id);

function deletePods(id: string): void {
  mustKubectl(["delete", "pod", "-l", `prefect.io/flow_run_id=${id}`, "-n", namespace, "--wait=false"]);
}

// The kubelet of 1.20 gives up a pod of which no container was ever made only with its collection of garbage, each minute.
async function untilGone(id: string): Promise<void> {
  await vi.waitFor(() => expect(jobsOf(id)).toEqual([]), { timeout: 120_000, interval: 500 });
}

describe.concurrent("a flow run in Kubernetes", () => {
  it("that goes well is left as it is, with no error in its log", async () => {
    const id = dueRun(GOES_WELL);
    await untilState(id, "Success");
    await untilGone(id);
    expect(world.prefect.flowRun(id)?.state).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });

  it.each([
    {
      name: "exits with an error",
      script: "state Running Running; echo first; echo the last words; exit 3",
      container: {},
      says: /^Kubernetes Error: container 'flow' exited with code 3/,
      log: ["the last words", "exited with code 3"],
    },
    {
      name: "exits before it is Running",
      script: "echo no module named flows; exit 1",
      container: {},
      says: /^Kubernetes Error: container 'flow' exited with code 1/,
      log: ["no module named flows"],
    },
    {
      name: "ends as one that was killed does",
      script: "state Running Running; exit 137",
      container: {},
      says: /^Kubernetes Error: container 'flow' was killed by signal SIGKILL/,
      log: ["exit code 137"],
    },
    {
      name: "needs more memory than it may have",
      script: "state Running Running; tail /dev/zero",
      container: { resources: { limits: { memory: "16Mi" } } },
      says: /^Kubernetes Error: container 'flow' ran out of memory .*limit 16Mi/,
      log: ["OOMKilled", "limit 16Mi"],
    },
    {
      name: "has an image that cannot be pulled",
      script: GOES_WELL,
      container: { image: "registry.invalid/none:1" },
      says: /^Kubernetes Error: image "registry.invalid\/none:1" of container 'flow' cannot be pulled/,
      log: ["image_pull_secrets"],
    },
    {
      name: "has an image name that is none",
      script: GOES_WELL,
      container: { image: "NOT//AN IMAGE" },
      says: /^Kubernetes Error: image name "NOT\/\/AN IMAGE" of container 'flow' is invalid/,
      log: ["correct the image"],
    },
    {
      name: "wants a ConfigMap that is not there",
      script: GOES_WELL,
      container: { envFrom: [{ configMapRef: { name: "absent" } }] },
      says: /^Kubernetes Error: container 'flow' cannot be configured .*configmap "absent" not found/,
      log: ["ConfigMap"],
    },
    {
      name: "has a command that is not there",
      script: GOES_WELL,
      container: { command: ["/absent"] },
      says: /^Kubernetes Error: container 'flow' could not be started .*\/absent/,
      log: ["/absent"],
    },
  ])("that $name is Failed once, with the reason, and its Job goes", async (row) => {
    const id = dueRun(row.script, row.container);
    await untilState(id, "Failed");
    await untilGone(id);
    expect(messageOf(id)).toMatch(row.says);
    const errors = errorsOf(id);
    expect(errors).toHaveLength(1);
    for (const part of row.log) expect(errors[0]).toContain(part);
    expect(world.prefect.history(id).filter(({ type }) => type === "Failed")).toHaveLength(1);
  });

  it("that the cluster refuses is Failed in the cluster's words", async () => {
    const id = dueRun(GOES_WELL, { env: [{ name: "NOT A NAME=", value: "x" }] });
    await untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*spec\.template\.spec\.containers\[0\]\.env/);
    expect(jobsOf(id)).toEqual([]);
  });

  it("whose Job somebody deletes is Failed", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    mustKubectl(["delete", "job", ...jobsOf(id), "-n", namespace, "--wait=false"]);
    await untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: .*deleted/);
  });

  // Since its pods have finalizers, a Job counts one that is deleted; before, it makes another in its place.
  it.runIf(COUNTS_DELETED_PODS)("whose pod somebody deletes is Failed, and its Job goes", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    deletePods(id);
    await untilState(id, "Failed");
    expect(messageOf(id)).toMatch(/^Kubernetes Error: /);
    await untilGone(id);
  });

  it.skipIf(COUNTS_DELETED_PODS)("goes on in the pod that Kubernetes makes for a deleted one", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    const [first] = podsOf(id);
    deletePods(id);
    const inAnother = (): void => {
      const phases = podsOf(id).flatMap(({ metadata, status }) =>
        metadata.name === first?.metadata.name ? [] : [status?.phase],
      );
      expect(phases).toEqual(["Running"]);
    };
    await vi.waitFor(inAnother, { timeout: 60_000, interval: 500 });
    world.prefect.setState(id, { type: "Cancelled" });
    await untilGone(id);
    expect(world.prefect.history(id).map(({ type }) => type)).not.toContain("Failed");
  });

  it("that is cancelled loses its Job after the grace and becomes Cancelled", async () => {
    const id = dueRun(NEVER_ENDS);
    await untilState(id, "Running");
    world.prefect.setState(id, { type: "Cancelling" });
    await untilState(id, "Cancelled");
    await untilGone(id);
    expect(errorsOf(id)).toEqual([]);
  });

  it("that finished by itself is never overwritten, whatever its pod does then", async () => {
    const id = dueRun("state Running Running; state Success Done; exit 7");
    await untilState(id, "Success");
    await untilGone(id);
    expect(world.prefect.flowRun(id)?.state).toBe("Success");
    expect(errorsOf(id)).toEqual([]);
  });
});
