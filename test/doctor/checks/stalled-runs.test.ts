import { describe, expect, it } from "vitest";
import { stalledRunFindings } from "../../../src/doctor/checks/stalled-runs.ts";
import type { StalledRun } from "../../../src/prefect1/doctor-queries.ts";
import { lines, NOW, stalled, secondsAgo } from "../samples.ts";

const HERE = { scope: "cluster/flows", withJobs: new Set(["with-job"]) };
const MINE = { scope: "cluster/flows", heartbeatAt: secondsAgo(120), stateAt: secondsAgo(120) };

function found(runs: readonly StalledRun[], here: typeof HERE | undefined = HERE): string[] {
  return lines(stalledRunFindings({ ok: true, value: runs }, { here, now: NOW }));
}

describe("stalled flow runs", () => {
  it.each([
    { name: "none", runs: [], want: ["ok heartbeats: no stalled flow run"] },
    {
      name: "Submitted a moment ago",
      runs: [stalled("a", { ...MINE, stateAt: secondsAgo(5), heartbeatAt: secondsAgo(5) })],
      want: ["ok heartbeats: no stalled flow run; 1 just Submitted"],
    },
    {
      name: "never a heartbeat: Prefect's services ignore them",
      runs: [stalled("a", { heartbeatAt: undefined })],
      want: ["ok heartbeats: no stalled flow run; 1 just Submitted"],
    },
    {
      name: "claimed for this namespace, without a Job",
      runs: [stalled("a", MINE)],
      want: [
        "broken claims without a Job: 1 flow run has been Submitted for 2m, but has no Job in this namespace",
      ],
    },
    {
      name: "claimed for this namespace, with its Job",
      runs: [stalled("with-job", MINE)],
      want: ["ok heartbeats: no stalled flow run; 1 just Submitted"],
    },
    {
      name: "claimed for another cluster",
      runs: [stalled("a", { ...MINE, scope: "elsewhere/flows" })],
      want: ["ok heartbeats: no stalled flow run; 1 just Submitted"],
    },
    {
      name: "restarted by Lazarus soon",
      runs: [stalled("a"), stalled("b", { state: "Running" })],
      want: [
        "warning heartbeats: 2 flow runs without a heartbeat for up to 15m; Lazarus will restart them within 10 minutes",
      ],
    },
    {
      name: "missed by Lazarus",
      runs: [stalled("a", { heartbeatAt: secondsAgo(7_200) })],
      want: [
        "warning heartbeats: 1 flow run without a heartbeat for 120m; Lazarus runs every 10 minutes, but has not restarted them",
      ],
    },
    {
      name: "restarted three times",
      runs: [stalled("a", { timesResurrected: 3 })],
      want: [
        "warning heartbeats: 1 flow run without a heartbeat for 15m; Lazarus has restarted them 3 times and will fail them now",
      ],
    },
    {
      name: "Lazarus is disabled",
      runs: [stalled("a", { lazarusEnabled: false, heartbeatAt: secondsAgo(86_400) })],
      want: [
        "warning heartbeats: 1 flow run without a heartbeat for 24h; heartbeats or Lazarus are disabled for their flows, so nothing will restart them",
      ],
    },
  ])("$name", ({ runs, want }) => {
    expect(found(runs)).toEqual(want);
  });

  it("are not reported as claims without a Job if Jobs cannot be listed", () => {
    expect(
      lines(stalledRunFindings({ ok: true, value: [stalled("a", MINE)] }, { here: undefined, now: NOW })),
    ).toEqual(["ok heartbeats: no stalled flow run; 1 just Submitted"]);
  });
});
