// What doctor says of other agents, by what it has seen of them.

import { describe, expect, it } from "vitest";
import { goneFindings, originalFindings, placeFindings } from "../../../src/doctor/checks/other-agents.ts";
import type { InventoryRun } from "../../../src/inventory/inventory.ts";
import type { RunOwner } from "../../../src/inventory/run-owner.ts";
import { ownerText } from "../../../src/job/owner.ts";
import { installedAgent } from "../../../src/prefect1/installed-agent.ts";
import { observedJob, pod, RUN_ID } from "../../job/observed-jobs.ts";
import { installed, lines } from "../samples.ts";

const HOUR = 3_600_000;
const HERE = { namespace: "flows", namespaceUid: "n-1", ca: "ca" };
const THERE = { namespace: "etl", namespaceUid: "n-2", ca: "ca" };
const GPU = { name: "gpu", labels: ["x"] };

/** A run with a Job; `annotation` names the agent that made it, none is Prefect's own. */
function run(change: {
  owner?: RunOwner;
  annotation?: typeof GPU;
  state?: "running" | "completed";
}): InventoryRun {
  const { owner, annotation, state = "running" } = change;
  const observed = observedJob();
  const text =
    annotation === undefined ? {} : { "prefect.io/agent": ownerText({ ...annotation, process: "p" }) };
  const labels = { "prefect.io/identifier": "1a2b3c4d" };
  const job = { ...observed.job, metadata: { ...observed.job.metadata, labels, annotations: text } };
  return {
    flowRunId: RUN_ID,
    prefectVersion: 1,
    namespace: "flows",
    name: "etl",
    status: { kind: "known", state: { type: state, name: state } },
    observed: { flowRunId: RUN_ID, jobs: [{ ...observed, job }] },
    dask: [],
    owner,
  };
}

const original = installedAgent(
  pod({
    spec: { containers: [{ name: "agent", args: ["prefect", "agent", "kubernetes", "start", "-l", "y"] }] },
  }),
  {},
);

describe("an agent that is gone", () => {
  it.each<{ name: string; runs: readonly InventoryRun[]; want: readonly string[] }>([
    { name: "polls", runs: [run({ owner: { ...GPU, silentMs: 8_000 } })], want: [] },
    {
      name: "has been silent for three hours",
      runs: [run({ owner: { ...GPU, silentMs: 3 * HOUR } }), run({ owner: { ...GPU, silentMs: 3 * HOUR } })],
      want: [
        'warning other agents: agent "gpu" with label x has not polled for 3h, and has left 2 flow runs here',
      ],
    },
    {
      name: "has no row in Prefect",
      runs: [run({ owner: { ...GPU, silentMs: undefined } })],
      want: [
        'warning other agents: agent "gpu" with label x does not poll any more, and has left 1 flow run here',
      ],
    },
    {
      name: "is gone, but its runs are over",
      runs: [run({ owner: { ...GPU, silentMs: 3 * HOUR }, state: "completed" })],
      want: [],
    },
    { name: "is unknown", runs: [run({})], want: [] },
  ])("$name", ({ runs, want }) => {
    expect(lines(goneFindings({ runs }))).toEqual(want);
  });
});

describe("two places with one name and labels", () => {
  const nobody = { agents: [], runs: [], claims: [] };
  const elsewhere = { agent: GPU, place: THERE };
  const want = [
    'warning other agents: agent "gpu" with label x works in namespace "etl" as well: Prefect takes both for one agent',
  ];

  it.each<{ name: string; seen: Partial<Parameters<typeof placeFindings>[0]>; want: readonly string[] }>([
    { name: "an agent is installed here", seen: { agents: [installed("gpu", ["x"])] }, want },
    { name: "it has made a Job here", seen: { runs: [run({ annotation: GPU })] }, want },
    {
      name: "it has claimed a run for here",
      seen: { claims: [{ agent: GPU, place: HERE }, elsewhere] },
      want,
    },
    { name: "it is not here", seen: {}, want: [] },
    { name: "another agent is here", seen: { agents: [installed("cpu", ["x"])] }, want: [] },
    {
      name: "nothing tells the places apart",
      seen: {
        agents: [installed("gpu", ["x"])],
        claims: [{ agent: GPU, place: { namespace: "flows", ca: "ca" } }],
      },
      want: [],
    },
    {
      name: "it is the namespace of that name in another cluster",
      seen: {
        agents: [installed("gpu", ["x"])],
        claims: [{ agent: GPU, place: { namespace: "flows", namespaceUid: "n-3" } }],
      },
      want: [want[0]?.replace('"etl" as well', '"flows" of another cluster') ?? ""],
    },
  ])("$name", ({ seen, want: expected }) => {
    expect(lines(placeFindings({ ...nobody, claims: [elsewhere], ...seen }, HERE))).toEqual(expected);
  });
});

describe("Prefect's own agent", () => {
  const polls = { name: "agent", labels: ["y"], silentMs: 8_000 };
  const found = [
    expect.stringMatching(
      /^warning other agents: Prefect's own agent "agent" works here as well: it deletes/,
    ),
  ];

  it.each<{ name: string; seen: Parameters<typeof originalFindings>[0]; isFound: boolean }>([
    {
      name: "by its pod beside ours",
      seen: { agents: [original, installed("gpu", ["x"])], runs: [] },
      isFound: true,
    },
    {
      name: "by a Job without annotation, and its polls",
      seen: { agents: [installed("gpu", ["x"])], runs: [run({ owner: polls })] },
      isFound: true,
    },
    {
      name: "beside Jobs of ours",
      seen: { agents: [original], runs: [run({ annotation: GPU })] },
      isFound: true,
    },
    { name: "alone", seen: { agents: [original], runs: [run({ owner: polls })] }, isFound: false },
    {
      name: "that is gone",
      seen: { agents: [installed("gpu", ["x"])], runs: [run({ owner: { ...polls, silentMs: HOUR } })] },
      isFound: false,
    },
    {
      name: "which ours replaces, with its name and labels",
      seen: { agents: [installed("agent", ["y"])], runs: [run({ owner: polls })] },
      isFound: false,
    },
  ])("$name: $isFound", ({ seen, isFound }) => {
    expect(lines(originalFindings(seen))).toEqual(isFound ? found : []);
  });
});
