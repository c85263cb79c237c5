import { describe, expect, it } from "vitest";
import { quietFindings } from "../../../src/doctor/checks/quiet-runs.ts";
import type { QuietRun } from "../../../src/prefect1/doctor-queries.ts";
import { lines, NOW, quiet, secondsAgo } from "../subjects.ts";

const HERE = { scope: "cluster/flows", withJobs: new Set(["with-job"]) };
const MINE = { scope: "cluster/flows", heartbeatAt: secondsAgo(120), stateAt: secondsAgo(120) };

function found(runs: readonly QuietRun[], here: typeof HERE | undefined = HERE): string[] {
  return lines(quietFindings({ ok: true, value: runs }, { here, now: NOW }));
}

describe("silent flow runs", () => {
  it.each([
    { name: "none", runs: [], want: ["ok silent flow runs: none"] },
    {
      name: "Submitted a moment ago",
      runs: [quiet("a", { ...MINE, stateAt: secondsAgo(5), heartbeatAt: secondsAgo(5) })],
      want: ["ok silent flow runs: none; 1 run just Submitted"],
    },
    {
      name: "never a heartbeat: Prefect's services look for none",
      runs: [quiet("a", { heartbeatAt: undefined })],
      want: ["ok silent flow runs: none; 1 run just Submitted"],
    },
    {
      name: "claimed for here, and no Job",
      runs: [quiet("a", MINE)],
      want: ["broken claims without a Job: 1 flow run Submitted for 2m for this namespace has no Job"],
    },
    {
      name: "claimed for here, with its Job",
      runs: [quiet("with-job", MINE)],
      want: ["ok silent flow runs: none; 1 run just Submitted"],
    },
    {
      name: "claimed for another cluster",
      runs: [quiet("a", { ...MINE, scope: "elsewhere/flows" })],
      want: ["ok silent flow runs: none; 1 run just Submitted"],
    },
    {
      name: "Lazarus is due",
      runs: [quiet("a"), quiet("b", { state: "Running" })],
      want: [
        "warning silent flow runs: 2 flow runs without a heartbeat for up to 15m; Lazarus will start them again within 10 minutes",
      ],
    },
    {
      name: "Lazarus has been overlooking them",
      runs: [quiet("a", { heartbeatAt: secondsAgo(7_200) })],
      want: [
        "warning silent flow runs: 1 flow run without a heartbeat for 120m; Lazarus comes every 10 minutes and has left them alone",
      ],
    },
    {
      name: "started three times in vain",
      runs: [quiet("a", { timesResurrected: 3 })],
      want: [
        "warning silent flow runs: 1 flow run without a heartbeat for 15m; Lazarus has started them 3 times and will fail them now",
      ],
    },
    {
      name: "nobody looks after them",
      runs: [quiet("a", { isLookedAfter: false, heartbeatAt: secondsAgo(86_400) })],
      want: [
        "warning silent flow runs: 1 flow run without a heartbeat for 24h; their flows turn heartbeats or Lazarus off, so nothing will start them again",
      ],
    },
  ])("$name", ({ runs, want }) => {
    expect(found(runs)).toEqual(want);
  });

  it("are not called without a Job where Jobs cannot be seen", () => {
    expect(
      lines(quietFindings({ ok: true, value: [quiet("a", MINE)] }, { here: undefined, now: NOW })),
    ).toEqual(["ok silent flow runs: none; 1 run just Submitted"]);
  });
});
