import { describe, expect, it } from "vitest";
import { dueFindings } from "../../../src/doctor/checks/due-runs.ts";
import type { DueRun, RegisteredAgent } from "../../../src/prefect1/doctor-queries.ts";
import { agent, due, lines, NOW } from "../subjects.ts";

function found(runs: readonly DueRun[], agents: readonly RegisteredAgent[], labels?: readonly string[]) {
  return dueFindings({ ok: true, value: runs }, { agents, now: NOW, labels });
}

const PROD = agent("prod", ["eu", "k8s"]);

describe("due flow runs", () => {
  it.each([
    { name: "none", runs: [], agents: [PROD], want: ["ok due flow runs: none is late"] },
    {
      name: "just due, and an agent takes them",
      runs: [due("a", ["k8s"], 10)],
      agents: [PROD],
      want: ["ok due flow runs: 1 flow run due, none late"],
    },
    {
      name: "labels that no agent has",
      runs: [due("a", ["gpu", "k8s"], 7_200), due("b", ["k8s", "gpu"])],
      agents: [PROD, agent("other", [])],
      want: [
        'broken due flow runs: 2 flow runs with labels gpu, k8s wait in vain, the oldest for 120m: no agent has all of these labels; agent "prod" lacks gpu',
      ],
    },
    {
      name: "no labels, and every agent has some",
      runs: [due("a", [])],
      agents: [PROD],
      want: [
        "broken due flow runs: 1 flow run with no labels waits in vain for 5m: every agent has labels, and takes none without",
      ],
    },
    {
      name: "the agent that would take them has gone silent",
      runs: [due("a", ["gpu"])],
      agents: [PROD, agent("night", ["gpu"], 10_800)],
      want: [
        'broken due flow runs: 1 flow run with label gpu waits in vain for 5m: agent "night" would take them, but it last polled 3h ago',
      ],
    },
    {
      name: "no agent at all",
      runs: [due("a", ["gpu"])],
      agents: [],
      want: ["broken due flow runs: 1 flow run with label gpu waits in vain for 5m: no agent polls"],
    },
    {
      name: "late though their labels are taken",
      runs: [due("a", ["k8s"]), due("b", ["eu"])],
      agents: [PROD],
      want: [
        "warning late flow runs: 2 flow runs late by up to 5m, though an agent that polls takes their labels",
      ],
    },
  ])("$name", ({ runs, agents, want }) => {
    expect(lines(found(runs, agents))).toEqual(want);
  });

  it("are not judged where the agents are unknown", () => {
    const value = [due("a", ["gpu"])];
    expect(
      lines(dueFindings({ ok: true, value }, { agents: undefined, now: NOW, labels: undefined })),
    ).toEqual(["skipped due flow runs: 1 flow run due; who takes them is not known without the agents"]);
  });

  it("say how to start the agent that is missing, safe to paste", () => {
    expect(found([due("a", ["it's", "k8s"])], [])[0]?.hint).toBe(
      String.raw`start an agent for them: kubectl prefect agent start -l 'it'\''s' -l k8s`,
    );
  });

  it("are for the agent that somebody means to start, where it takes them", () => {
    expect(found([due("a", ["gpu"])], [], ["gpu", "k8s"])[0]?.hint).toContain("agent start -l gpu -l k8s");
    expect(found([due("a", ["tpu"])], [], ["gpu", "k8s"])[0]?.hint).toContain("agent start -l tpu");
  });

  it("that nobody takes hide others from Prefect's own agents when they are many", () => {
    const many = Array.from({ length: 75 }, (_, at) => due(`run-${at}`, ["gpu"]));
    expect(found(many, [PROD]).map(({ check }) => check)).toEqual(["due flow runs", "queue"]);
    expect(found(many.slice(1), [PROD]).map(({ check }) => check)).toEqual(["due flow runs"]);
  });

  it("with ever other labels do not flood the report", () => {
    const many = Array.from({ length: 20 }, (_, at) => due(`run-${at}`, [`label-${at}`]));
    expect(lines(found(many, [PROD])).at(-1)).toBe(
      "broken due flow runs: 12 flow runs with other labels wait in vain, too",
    );
  });
});
