// Prefect's own agent, version 1.4.1: this one beside it, in its place, and back again. E2E_PREFECT_AGENT names the `prefect` of a
// virtual environment with Prefect 1.4.1 and its extra `kubernetes`.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PluginProcess } from "./support/agent-process.ts";
import { startGate } from "./support/gate.ts";
import type { Gate } from "./support/gate.ts";
import { SUCCEEDS } from "./support/shell-flow.ts";
import { TestSetup } from "./support/test-setup.ts";

const program = process.env["E2E_PREFECT_AGENT"];
if (!program) process.stderr.write("skipped, Prefect's own agent: E2E_PREFECT_AGENT does not name it\n");
const ONCE = ["Scheduled", "Submitted", "Running", "Success"];

describe.skipIf(!program)("Prefect's own agent", () => {
  let setup: TestSetup;
  let gate: Gate;

  beforeEach(async () => {
    setup = await TestSetup.open("original");
    gate = await startGate(new URL(setup.api).hostname);
  });

  afterEach(async () => {
    await setup.close();
    await gate.close();
  });

  async function startOriginal(name: string, label: string): Promise<PluginProcess> {
    const args = ["agent", "kubernetes", "start", "--api", setup.api, "--namespace", setup.namespace];
    const env = { PREFECT__BACKEND: "server", PYTHONUNBUFFERED: "1" };
    const agent = new PluginProcess([...args, "--name", name, "-l", label], env, [program ?? ""]);
    await agent.untilPrinted("Waiting for flow runs");
    return agent;
  }

  function startOurs(name: string, label: string): Promise<PluginProcess> {
    return setup.startAgent(["--name", name, "-l", label]);
  }

  /** A script that runs until the gate of its run opens, and then does the rest. */
  function untilOpen(rest: string): string {
    const isOpen = `wget -q -O - ${gate.url}/$PREFECT__CONTEXT__FLOW_RUN_ID | grep -q open`;
    return `state Running Running; until ${isOpen}; do sleep 0.3; done; ${rest}`;
  }

  it("is replaced by this one with its name and labels, which takes its Jobs over", async () => {
    const original = await startOriginal("agent", "k8s");
    const succeeds = setup.due(untilOpen("state Success Done"), ["k8s"]);
    const fails = setup.due(untilOpen("exit 3"), ["k8s"]);
    await setup.untilState([succeeds, fails], "Running");
    await original.stop("SIGINT");
    await startOurs("agent", "k8s");
    gate.open(succeeds);
    gate.open(fails);
    await setup.untilState(succeeds, "Success");
    await setup.untilState(fails, "Failed");
    await setup.untilNoJobs();
    // Before this agent has taken the Job over, Kubernetes may have started the pod a second time.
    expect(setup.prefect.statesOf(fails).filter((type) => type === "Failed")).toHaveLength(1);
    expect(setup.prefect.statesOf(succeeds)).toEqual(ONCE);
    expect(setup.prefect.flowRun(fails)?.state_message).toContain("container 'flow' exited with code 3");
    const errors = setup.prefect.logsOf(fails).filter(({ level }) => level === "ERROR");
    expect(errors).toHaveLength(1);
  });

  it("takes over from this one in turn", async () => {
    const ours = await startOurs("agent", "k8s");
    const id = setup.due(untilOpen("state Success Done"), ["k8s"]);
    await setup.untilState(id, "Running");
    await ours.stop();
    await startOriginal("agent", "k8s");
    gate.open(id);
    await setup.untilState([id, setup.due(SUCCEEDS, ["k8s"])], "Success");
    await setup.untilNoJobs();
    expect(setup.prefect.statesOf(id)).toEqual(ONCE);
  });

  it("beside this one: each launches its own runs once, and doctor warns", async () => {
    await Promise.all([startOriginal("agent", "k8s"), startOurs("gpu", "gpu")]);
    const ids = Array.from({ length: 10 }, (_, at) => setup.due(SUCCEEDS, [at % 2 === 0 ? "k8s" : "gpu"]));
    const waiting = [
      setup.due(untilOpen("state Success Done"), ["k8s"]),
      setup.due(untilOpen("exit 3"), ["gpu"]),
    ];
    await setup.untilState(ids, "Success");
    await setup.untilState(waiting, "Running");
    const { stdout } = await setup.plugin("doctor");
    expect(stdout).toContain('Prefect\'s own agent "agent" works here as well');
    for (const id of waiting) gate.open(id);
    const [succeeds = "", fails = ""] = waiting;
    await setup.untilState(succeeds, "Success");
    await setup.untilState(fails, "Failed");
    await setup.untilNoJobs();
    for (const id of [...ids, succeeds]) expect(setup.prefect.statesOf(id)).toEqual(ONCE);
    expect(setup.prefect.statesOf(fails).filter((type) => type === "Failed")).toHaveLength(1);
  });
});
