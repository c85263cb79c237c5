import { describe, expect, it } from "vitest";
import { runStateOf } from "../../src/prefect1/run-state.ts";

const ID = "00000000-0000-4000-8000-0000000000a1";

describe("runStateOf", () => {
  it.each([
    ["Scheduled", "scheduled"],
    ["Retrying", "scheduled"],
    ["Queued", "pending"],
    ["Pending", "scheduled"],
    ["ClientFailed", "scheduled"],
    ["SomethingNew", "scheduled"],
    ["Paused", "paused"],
    ["Submitted", "pending"],
    ["Running", "running"],
    ["Cancelling", "cancelling"],
    ["Cancelled", "cancelled"],
    ["Success", "completed"],
    ["Skipped", "completed"],
    ["Failed", "failed"],
    ["TimedOut", "failed"],
    ["TriggerFailed", "failed"],
  ])("reads %s as %s, and keeps Prefect's own name", (name, type) => {
    const state = runStateOf({ id: ID, version: 3, serialized_state: { type: name, message: "why" } });
    expect(state).toMatchObject({ type, name, message: "why", version: 3 });
  });

  it("returns the claim of this program with all identifiers that its Job can have", () => {
    const context = {
      kubectl_prefect: {
        id: "c",
        place: { namespace: "here", ca: "1" },
        identifier: "1a2b3c4d",
        process: "p1",
      },
    };
    const { claim } = runStateOf({ id: ID, version: 3, serialized_state: { type: "Submitted", context } });
    expect(claim).toMatchObject({ id: "c", place: { namespace: "here", ca: "1" }, process: "p1" });
    expect(claim?.identifiers[0]).toBe("1a2b3c4d");
    expect(claim?.identifiers).toHaveLength(3);
  });
});
