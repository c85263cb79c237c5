import { describe, expect, it } from "vitest";
import { dueRunFindings } from "../../../src/doctor/checks/due-runs.ts";
import type { DueRun, RegisteredAgent } from "../../../src/prefect1/doctor-queries.ts";
import { agent, due, lines, NOW } from "../samples.ts";

function found(runs: readonly DueRun[], agents: readonly RegisteredAgent[], labels?: readonly string[]) {
  return dueRunFindings({ ok: true, value: runs }, { agents, now: NOW, labels });
}

const PROD = agent("prod", ["eu", "k8s"]);

describe("due flow runs", () => {
  it.each([
    { name: "none", runs: [], agents: [PROD], want: ["ok due flow runs: none is late"] },
    {
      name: "just due, and a running agent has their labels",
      runs: [due("a", ["k8s"], 10)],
      agents: [PROD],
      want: ["ok due flow runs: 1 flow run due, none late"],
    },
    {
      name: "labels that no running agent has",
      runs: [due("a", ["gpu", "k8s"], 7_200), due("b", ["k8s", "gpu"])],
      agents: [PROD, agent("other", [])],
      want: [
        'broken due flow runs: 2 flow runs with labels gpu, k8s have waited up to 120m: no running agent has all of these labels; agent "prod" lacks gpu',
      ],
    },
    {
      name: "no labels, and every running agent has some",
      runs: [due("a", [])],
      agents: [PROD],
      want: [
        "broken due flow runs: 1 flow run with no labels has waited 5m: every running agent has labels, so none takes flow runs without labels",
      ],
    },
    {
      name: "the agent with their labels has stopped",
      runs: [due("a", ["gpu"])],
      agents: [PROD, agent("night", ["gpu"], 10_800)],
      want: [
        'broken due flow runs: 1 flow run with label gpu has waited 5m: agent "night" has the right labels, but is not running (last polled 3h ago)',
      ],
    },
    {
      name: "no agent at all",
      runs: [due("a", ["gpu"])],
      agents: [],
      want: ["broken due flow runs: 1 flow run with label gpu has waited 5m: no agent is running"],
    },
    {
      name: "late although a running agent has their labels",
      runs: [due("a", ["k8s"]), due("b", ["eu"])],
      agents: [PROD],
      want: [
        "warning late flow runs: 2 flow runs are late by up to 5m, although a running agent has their labels",
      ],
    },
  ])("$name", ({ runs, agents, want }) => {
    expect(lines(found(runs, agents))).toEqual(want);
  });

  it("are not checked if the agents are unknown", () => {
    const value = [due("a", ["gpu"])];
    expect(
      lines(dueRunFindings({ ok: true, value }, { agents: undefined, now: NOW, labels: undefined })),
    ).toEqual([
      "skipped due flow runs: 1 flow run due; agents cannot be listed, so it is unknown which of them are started",
    ]);
  });

  it("show how to start the missing agent, quoted for a shell", () => {
    expect(found([due("a", ["it's", "k8s"])], [])[0]?.hint).toBe(
      String.raw`start an agent for them: kubectl prefect agent start -l 'it'\''s' -l k8s`,
    );
  });

  it("suggest the configured agent, if it has their labels", () => {
    expect(found([due("a", ["gpu"])], [], ["gpu", "k8s"])[0]?.hint).toContain("agent start -l gpu -l k8s");
    expect(found([due("a", ["tpu"])], [], ["gpu", "k8s"])[0]?.hint).toContain("agent start -l tpu");
  });

  it("that no agent takes hide others from Prefect's own agents when they are many", () => {
    const many = Array.from({ length: 75 }, (_, at) => due(`run-${at}`, ["gpu"]));
    expect(found(many, [PROD]).map(({ check }) => check)).toEqual(["due flow runs", "queue"]);
    expect(found(many.slice(1), [PROD]).map(({ check }) => check)).toEqual(["due flow runs"]);
  });

  it("with many different labels are summed up", () => {
    const many = Array.from({ length: 20 }, (_, at) => due(`run-${at}`, [`label-${at}`]));
    expect(lines(found(many, [PROD])).at(-1)).toBe(
      "broken due flow runs: 12 flow runs with other labels also wait for an agent",
    );
  });
});
