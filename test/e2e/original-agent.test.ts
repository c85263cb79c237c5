// Prefect's own agent, version 1.4.1: this one beside it, in its place, and back again. E2E_PREFECT_AGENT names the `prefect` of a
// virtual environment with Prefect 1.4.1 and its extra `kubernetes`.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PluginProcess, runPlugin, startAgent } from "./support/agent-process.ts";
import { startGate } from "./support/gate.ts";
import type { Gate } from "./support/gate.ts";
import { listed } from "./support/kubectl.ts";
import { createNamespace, removeNamespace } from "./support/namespace.ts";
import { startReachablePrefect } from "./support/pod-network.ts";
import type { ReachablePrefect } from "./support/pod-network.ts";
import { SUCCEEDS, shellRun } from "./support/shell-flow.ts";

const program = process.env["E2E_PREFECT_AGENT"];
if (!program) process.stderr.write("skipped, Prefect's own agent: E2E_PREFECT_AGENT does not name it\n");
const ONCE = ["Scheduled", "Submitted", "Running", "Success"];

describe.skipIf(!program)("Prefect's own agent", () => {
  let namespace: string;
  let reachable: ReachablePrefect;
  let gate: Gate;
  const agents: PluginProcess[] = [];

  beforeEach(async () => {
    namespace = await createNamespace("original");
    reachable = await startReachablePrefect();
    gate = await startGate(new URL(reachable.api).hostname);
  });

  afterEach(async () => {
    await Promise.all(agents.splice(0).map((agent) => agent.stop("SIGKILL")));
    await Promise.all([reachable.prefect.stop(), gate.close()]);
    removeNamespace(namespace);
  });

  async function startOriginal(name: string, label: string): Promise<PluginProcess> {
    const args = ["agent", "kubernetes", "start", "--api", reachable.api, "--namespace", namespace];
    const env = { PREFECT__BACKEND: "server", PYTHONUNBUFFERED: "1" };
    const agent = new PluginProcess([...args, "--name", name, "-l", label], env, [program ?? ""]);
    agents.push(agent);
    await agent.untilPrinted("Waiting for flow runs");
    return agent;
  }

  async function startOurs(name: string, label: string, ...flags: readonly string[]): Promise<PluginProcess> {
    const where = ["-a", reachable.api, "-n", namespace, "--name", name, "-l", label];
    const agent = await startAgent([...where, ...flags]);
    agents.push(agent);
    return agent;
  }

  function dueRun(label: string, script: string = SUCCEEDS): string {
    const flow = reachable.prefect.createFlow({ name: "shell" });
    return reachable.prefect.createFlowRun({ flow, labels: [label], runConfig: shellRun(script) }).id;
  }

  /** A script that runs until the gate of its run opens, and then does the rest. */
  function untilOpen(rest: string): string {
    const isOpen = `wget -q -O - ${gate.url}/$PREFECT__CONTEXT__FLOW_RUN_ID | grep -q open`;
    return `state Running Running; until ${isOpen}; do sleep 0.3; done; ${rest}`;
  }

  const stateOf = (id: string): string => reachable.prefect.flowRun(id)?.state ?? "";
  const statesOf = (id: string): readonly string[] => reachable.prefect.history(id).map(({ type }) => type);

  function untilAll(ids: readonly string[], state: string): Promise<void> {
    const what = `${ids.length} runs ${state}`;
    return reachable.prefect.until(() => ids.every((id) => stateOf(id) === state), {
      what,
      timeoutMs: 180_000,
    });
  }

  async function untilNoJobs(): Promise<void> {
    await vi.waitFor(() => expect(listed("jobs", namespace)).toEqual([]), {
      timeout: 180_000,
      interval: 500,
    });
  }

  it("is replaced by this one with its name and labels, which takes its Jobs over", async () => {
    const original = await startOriginal("agent", "k8s");
    const succeeds = dueRun("k8s", untilOpen("state Success Done"));
    const fails = dueRun("k8s", untilOpen("exit 3"));
    await untilAll([succeeds, fails], "Running");
    await original.stop("SIGINT");
    await startOurs("agent", "k8s");
    gate.open(succeeds);
    gate.open(fails);
    await untilAll([succeeds], "Success");
    await untilAll([fails], "Failed");
    await untilNoJobs();
    // Before this agent has taken the Job over, Kubernetes may have started the pod a second time.
    expect(statesOf(fails).filter((type) => type === "Failed")).toHaveLength(1);
    expect(statesOf(succeeds)).toEqual(ONCE);
    expect(reachable.prefect.flowRun(fails)?.state_message).toContain("container 'flow' exited with code 3");
    const errors = reachable.prefect.logsOf(fails).filter(({ level }) => level === "ERROR");
    expect(errors).toHaveLength(1);
  });

  it("takes over from this one in turn", async () => {
    const ours = await startOurs("agent", "k8s");
    const id = dueRun("k8s", untilOpen("state Success Done"));
    await untilAll([id], "Running");
    await ours.stop();
    await startOriginal("agent", "k8s");
    gate.open(id);
    await untilAll([id, dueRun("k8s")], "Success");
    await untilNoJobs();
    expect(statesOf(id)).toEqual(ONCE);
  });

  it("beside this one: each launches its own runs once, and doctor warns", async () => {
    await Promise.all([startOriginal("agent", "k8s"), startOurs("gpu", "gpu")]);
    const ids = Array.from({ length: 10 }, (_, at) => dueRun(at % 2 === 0 ? "k8s" : "gpu"));
    const waiting = [dueRun("k8s", untilOpen("state Success Done")), dueRun("gpu", untilOpen("exit 3"))];
    await untilAll(ids, "Success");
    await untilAll(waiting, "Running");
    const { stdout } = await runPlugin(["doctor", "-b", "server", "-a", reachable.api, "-n", namespace]);
    expect(stdout).toContain('Prefect\'s own agent "agent" works here as well');
    for (const id of waiting) gate.open(id);
    const [succeeds = "", fails = ""] = waiting;
    await untilAll([succeeds], "Success");
    await untilAll([fails], "Failed");
    await untilNoJobs();
    for (const id of [...ids, succeeds]) expect(statesOf(id)).toEqual(ONCE);
    expect(reachable.prefect.history(fails).filter(({ type }) => type === "Failed")).toHaveLength(1);
  });
});
