import { describe, expect, it } from "vitest";
import { dueRunFindings } from "../../../src/doctor/checks/due-runs.ts";
import type { ExpectedAgent } from "../../../src/doctor/context.ts";
import type { DueRun } from "../../../src/prefect1/doctor-queries.ts";
import { due, installed, lines, NOW } from "../samples.ts";

const MINE: ExpectedAgent = { labels: ["k8s"], installed: installed("prod", ["k8s"]) };
const STRANGER = { labels: ["eu"] };

function found(runs: readonly DueRun[], expected: readonly ExpectedAgent[] = [MINE], running = [STRANGER]) {
  return dueRunFindings(runs, { expected, running }, NOW);
}

describe("due flow runs", () => {
  it.each([
    { name: "none", runs: [], want: ["ok due flow runs: none is due"] },
    {
      name: "due a moment ago",
      runs: [due("a", ["k8s"], 10), due("b", ["gpu"], 10)],
      want: ["ok due flow runs: 2 due, none late"],
    },
    {
      name: "late, and the agent that is there should have taken them",
      runs: [due("a", ["k8s"], 600), due("b", ["k8s"])],
      want: [
        'broken due flow runs: 2 flow runs late by up to 10m, which "prod" with label k8s should have taken',
      ],
    },
    {
      name: "late, and another agent that runs can take them",
      runs: [due("a", ["eu"])],
      want: ["ok due flow runs: 1 due, none late"],
    },
    {
      name: "late, and only agents that do not run could take them, in one line",
      runs: [due("a", ["gpu", "k8s"], 7_200), due("b", []), due("c", ["gpu"]), due("d", ["gpu"])],
      want: [
        "warning due flow runs: 4 flow runs late by up to 120m, and no running agent has: labels gpu, k8s; no labels; label gpu",
      ],
    },
  ])("$name", ({ runs, want }) => {
    expect(lines(found(runs))).toEqual(want);
  });

  it("that are late come with the log of the agent that should have taken them, and their names", () => {
    expect(found([due("a", ["k8s"]), due("b", ["k8s"])])[0]).toMatchObject({
      details: ["a, b"],
      look: "kubectl logs prod-pod -c agent -n flows",
    });
  });

  it("are broken as well for the labels that the user names, without an installed agent", () => {
    const expected = [{ labels: ["gpu"] }];
    expect(lines(found([due("a", ["gpu"])], expected))).toEqual([
      "broken due flow runs: 1 flow run late by up to 5m, which an agent with label gpu should have taken",
    ]);
  });

  it("are at most a warning if nothing says which agent should run", () => {
    const findings = found([due("a", ["eu"]), due("b", ["gpu"])], []);
    expect(lines(findings)).toEqual([
      "warning due flow runs: 1 flow run late by up to 5m, which an agent with label eu should have taken",
      "warning due flow runs: 1 flow run late by up to 5m, and no running agent has: label gpu",
    ]);
  });
});
