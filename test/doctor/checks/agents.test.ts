import { describe, expect, it } from "vitest";
import { agentFindings } from "../../../src/doctor/checks/agents.ts";
import type { ExpectedAgent } from "../../../src/doctor/context.ts";
import type { AgentRow } from "../../../src/orchestrator/agent-identity.ts";
import { installed, lines, NOW, registered } from "../samples.ts";

function found(agents: readonly AgentRow[], expected: readonly ExpectedAgent[] = []) {
  return agentFindings(agents, expected, NOW);
}

const MINE = { labels: ["k8s", "eu"], installed: installed("prod", ["k8s", "eu"]) };

describe("registered agents", () => {
  it.each([
    { agents: [], want: "warning agents: no agent is running; none has asked for flow runs yet" },
    {
      agents: [registered("prod", ["k8s"], 10_800)],
      want: 'warning agents: no agent is running; "prod" with label k8s was last seen 3h ago',
    },
    {
      agents: [registered("prod", ["k8s"]), registered("old", [], 7_200)],
      want: 'ok agents: 1 running agent: "prod" with label k8s',
    },
  ])("without an expected one: $want", ({ agents, want }) => {
    expect(lines(found(agents))).toEqual([want]);
  });

  it("include the installed one, by its name and labels in any order", () => {
    expect(lines(found([registered("prod", ["eu", "k8s"])], [MINE]))).toEqual([
      'ok agents: "prod" with labels eu, k8s last asked for flow runs 5s ago',
    ]);
  });

  it.each([
    { agents: [registered("prod", ["eu"])], want: "has never asked this API for flow runs" },
    { agents: [registered("other", ["eu", "k8s"])], want: "has never asked this API for flow runs" },
    { agents: [registered("prod", ["eu", "k8s"], 600)], want: "last asked for flow runs 10m ago" },
  ])("lack the installed one: it $want", ({ agents, want }) => {
    const [finding] = found(agents, [MINE]);
    expect(finding).toMatchObject({
      status: "warning",
      message: `"prod" with labels eu, k8s ${want}, but its pod is ready`,
      hint: "it may use another Prefect API (its own is https://api.prefect.io); its log says more",
      look: "kubectl logs prod-pod -c agent -n flows",
    });
  });

  it("are not compared with an installed one whose pod is not ready, which another check reports", () => {
    expect(found([], [{ labels: ["k8s"], installed: installed("prod", ["k8s"], {}) }])).toEqual([]);
  });

  it("include one with the labels of the options, whatever its name", () => {
    const agents = [registered("laptop", ["gpu"])];
    expect(found(agents, [{ labels: ["gpu"] }])[0]?.status).toBe("ok");
    expect(lines(found(agents, [{ labels: ["tpu"] }]))).toEqual([
      "warning agents: an agent with label tpu has never asked this API for flow runs",
    ]);
  });
});
