// cleanup --agent: what the sidecar of an agent keeps, beside agents that are alive, gone and unknown. In virtual time.

import { beforeEach, describe, expect, it } from "vitest";
import { OneAgent } from "../../../../src/cli/commands/cleanup/one-agent.ts";
import type { InventoryRun } from "../../../../src/inventory/inventory.ts";
import { ownerText } from "../../../../src/job/owner.ts";
import type { AgentIdentity, AgentRow } from "../../../../src/orchestrator/agent-identity.ts";
import type { RunStatus } from "../../../../src/orchestrator/flow-run.ts";
import { observedJob } from "../../../job/observed-jobs.ts";
import { VirtualClock } from "../../../support/virtual-clock.ts";

const SELF = { name: "agent", labels: ["x"] };
const OTHER = { name: "other", labels: ["y"] };
const ID = "00000000-0000-4000-8000-000000000001";
const OVER: RunStatus = { kind: "known", state: { type: "cancelled", name: "Cancelled" } };

let clock: VirtualClock;
/** When the other agent has polled last; the sidecar's own agent polls all the time. */
let othersLastPoll: () => Date | undefined;
let agent: OneAgent;
let stop: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  const start = clock.now();
  othersLastPoll = () => start;
  stop = new AbortController();
  const agents = (): Promise<readonly AgentRow[]> =>
    Promise.resolve([
      { ...SELF, id: "own", lastPolledAt: clock.now() },
      { ...OTHER, id: "other", lastPolledAt: othersLastPoll() },
    ]);
  agent = new OneAgent(SELF, { agents }, clock);
  void agent.run(stop.signal);
});

function run(status: RunStatus, ...owners: readonly (AgentIdentity | undefined)[]): InventoryRun {
  const jobs = owners.map((owner) => {
    const observed = observedJob();
    const annotations = owner && { "prefect.io/agent": ownerText({ ...owner, process: "p" }) };
    const metadata = { ...observed.job.metadata, annotations: annotations ?? {} };
    return { ...observed, job: { ...observed.job, metadata } };
  });
  const observed = { flowRunId: ID, jobs };
  return { flowRunId: ID, prefectVersion: 1, namespace: "flows", name: "etl", status, observed, dask: [] };
}

/** Passes minutes, and asks about the run all the while, as the passes of `--every` do. */
async function watch(minutes: number, ...runs: readonly InventoryRun[]): Promise<void> {
  const untilMs = clock.now().getTime() + minutes * 60_000;
  while (clock.now().getTime() < untilMs) {
    for (const each of runs) agent.keepReason(each);
    await clock.advance();
  }
  stop.abort();
}

describe("cleanup --agent", () => {
  it.each<{ name: string; status: RunStatus; want: string | undefined }>([
    { name: "a run that is over", status: OVER, want: undefined },
    { name: "a deleted run", status: { kind: "missing" }, want: undefined },
    {
      name: "a run that this Prefect does not know",
      status: { kind: "unknown" },
      want: "its flow run is not over",
    },
    {
      name: "a Running run",
      status: { kind: "known", state: { type: "running", name: "Running" } },
      want: "its flow run is not over",
    },
  ])("keeps or takes Jobs of its own agent: $name", ({ status, want }) => {
    expect(agent.keepReason(run(status, SELF))).toBe(want);
  });

  it("counts the agent that submitted a run as the owner of a Job without annotation", () => {
    expect(agent.keepReason(run({ ...OVER, agent: SELF }, undefined))).toBeUndefined();
    expect(agent.keepReason(run({ ...OVER, agent: OTHER }, undefined))).toBe('belongs to agent "other"');
  });

  it("counts the agent that submitted a run as the owner of what the run has left without a Job", () => {
    expect(agent.keepReason(run({ ...OVER, agent: SELF }))).toBeUndefined();
    expect(agent.keepReason(run({ ...OVER, agent: OTHER }))).toBe('belongs to agent "other"');
  });

  it("keeps the Jobs of an agent that polls", async () => {
    const theirs = run(OVER, OTHER);
    othersLastPoll = () => clock.now();
    await watch(30, theirs);
    expect(agent.keepReason(theirs)).toBe('belongs to agent "other"');
  });

  it("takes over after five minutes what an agent has left that is gone, if its runs are over", async () => {
    const gone = run(OVER, OTHER);
    const running = run({ kind: "known", state: { type: "running", name: "Running" } }, OTHER);
    expect(agent.keepReason(gone)).toBe('belongs to agent "other"');
    await watch(7, gone, running);
    expect(agent.keepReason(gone)).toBeUndefined();
    expect(agent.keepReason(running)).toBe("its flow run is not over");
  });

  it("keeps a run of two agents' Jobs while one of them is alive", () => {
    expect(agent.keepReason(run(OVER, SELF, OTHER))).toBe('belongs to agent "other"');
  });

  it("takes what nobody's name stands on after five minutes", async () => {
    const unknown = run(OVER, undefined);
    expect(agent.keepReason(unknown)).toBe("its agent is unknown");
    await watch(7, unknown);
    expect(agent.keepReason(unknown)).toBeUndefined();
  });
});
