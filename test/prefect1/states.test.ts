import { describe, expect, it } from "vitest";
import { isFinished, isScheduled, isoUtc, startTimeOf, submitted } from "../../src/prefect1/states.ts";

describe("a state's type", () => {
  it.each([
    { type: "Scheduled", is: ["scheduled"] },
    { type: "Paused", is: ["scheduled"] },
    { type: "Resume", is: ["scheduled"] },
    { type: "Retrying", is: ["scheduled"] },
    { type: "Queued", is: ["scheduled"] },
    { type: "Pending", is: [] },
    { type: "Submitted", is: [] },
    { type: "Running", is: [] },
    { type: "Cancelling", is: [] },
    { type: "Cancelled", is: ["finished"] },
    { type: "Success", is: ["finished"] },
    { type: "Mapped", is: ["finished"] },
    { type: "Failed", is: ["finished"] },
    { type: "TriggerFailed", is: ["finished"] },
    { type: "ClientFailed", is: [] },
  ])("$type is $is", ({ type, is }) => {
    const predicates = { scheduled: isScheduled, finished: isFinished };
    expect(Object.entries(predicates).flatMap(([name, test]) => (test(type) ? [name] : []))).toEqual(is);
  });
});

describe("startTimeOf", () => {
  it.each([
    { start_time: "2026-11-21T03:04:05+00:00", want: "2026-11-21T03:04:05.000Z" },
    { start_time: "2026-11-21T03:04:05.123456", want: "2026-11-21T03:04:05.123Z" },
    { start_time: "2026-11-21T05:04:05+02:00", want: "2026-11-21T03:04:05.000Z" },
    { start_time: "2026-11-21T03:04:05Z", want: "2026-11-21T03:04:05.000Z" },
    { start_time: "", want: undefined },
    { start_time: null, want: undefined },
    { start_time: "soon", want: undefined },
  ])("parses $start_time as $want", ({ start_time, want }) => {
    expect(startTimeOf({ type: "Scheduled", start_time })?.toISOString()).toBe(want);
  });
});

describe("new states", () => {
  it("wrap the previous state in Submitted, without nesting meta states", () => {
    const scheduled = { type: "Scheduled", start_time: "2026-11-21T03:04:05+00:00" };
    expect(submitted(scheduled, "Submitted for execution", { a: 1 })).toMatchObject({
      type: "Submitted",
      message: "Submitted for execution",
      context: { a: 1 },
      state: scheduled,
    });
    expect(submitted({ type: "Queued", state: scheduled }, "", {}).state).toEqual(scheduled);
    expect(submitted({ type: "Queued" }, "", {}).state).toBeNull();
  });

  it("have times in Python's format", () => {
    const at = new Date("2026-11-21T03:04:05.678Z");
    expect(isoUtc(at)).toBe("2026-11-21T03:04:05.678+00:00");
  });
});
