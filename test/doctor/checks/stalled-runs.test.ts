import { describe, expect, it } from "vitest";
import { isAbandoned } from "../../../src/doctor/checks/stalled-runs.ts";
import { NOW, secondsAgo, stalled } from "../samples.ts";

describe("a flow run without heartbeats", () => {
  it.each([
    { name: "15 minutes", run: {}, want: false },
    { name: "30 minutes: Lazarus has missed it", run: { heartbeatAt: secondsAgo(1_800) }, want: true },
    { name: "15 minutes, after three restarts", run: { timesResurrected: 3 }, want: true },
    { name: "15 minutes, without Lazarus", run: { lazarusEnabled: false }, want: true },
    {
      name: "5 minutes, without Lazarus",
      run: { lazarusEnabled: false, heartbeatAt: secondsAgo(300) },
      want: false,
    },
    { name: "ever, which Prefect's services ignore", run: { heartbeatAt: undefined }, want: false },
  ])("for $name is abandoned: $want", ({ run, want }) => {
    expect(isAbandoned(stalled(run), NOW)).toBe(want);
  });
});
