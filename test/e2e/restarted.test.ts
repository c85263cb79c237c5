// A flow run that is restarted in Prefect while the pod of its first Job cannot start.

import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startAgent } from "./support/agent-process.ts";
import type { PluginProcess } from "./support/agent-process.ts";
import { listed, mustKubectl } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

const WAIT = { timeout: 90_000, interval: 500 };

let namespace: string;
let reachable: ReachablePrefect;
let agent: PluginProcess;

beforeAll(async () => {
  namespace = await createNamespace("restarted");
  reachable = await startReachablePrefect();
  agent = await startAgent(["-a", reachable.api, "-n", namespace, "--start-grace", "5m"]);
});

afterAll(async () => {
  await agent.stop("SIGKILL");
  await reachable.prefect.stop();
  removeNamespace(namespace);
});

const jobs = (): string[] => listed("jobs", namespace).map(({ metadata }) => metadata.name);

it("starts its flow once, in the new Job, when the Secret that both lack comes", async () => {
  const { prefect } = reachable;
  const flow = prefect.createFlow({ name: "shell" });
  const runConfig = shellRun(SUCCEEDS, { envFrom: [{ secretRef: { name: "late" } }] });
  const { id } = prefect.createFlowRun({ flow, runConfig });
  const isStuck = (): void => expect(JSON.stringify(listed("pods", namespace))).toContain("ConfigError");
  await vi.waitFor(isStuck, WAIT);
  const old = jobs();
  expect(old).toHaveLength(1);

  prefect.setState(id, { type: "Cancelled" });
  prefect.setState(id, { type: "Scheduled" });
  const isReplaced = (): void => {
    const now = jobs();
    expect(now).toHaveLength(1);
    expect(now).not.toEqual(old);
  };
  await vi.waitFor(isReplaced, WAIT);

  mustKubectl(["create", "secret", "generic", "late", "--from-literal=KEY=value", "-n", namespace]);
  await prefect.until(() => prefect.flowRun(id)?.state === "Success", {
    what: "success",
    timeoutMs: 120_000,
  });
  expect(prefect.history(id).filter(({ type }) => type === "Running")).toHaveLength(1);
});
