// What a claim writes into Prefect.

import { describe, expect, it } from "vitest";
import { claimsOf, workOf } from "../../src/prefect1/submission.ts";
import { flowRun } from "./build/support.ts";

const run = flowRun();
const work = workOf(run, { id: "claim", scope: "here", by: "me:1" });

describe("claimsOf", () => {
  it("claims a Scheduled run with its version, and a record of who claims and which Job is to be made", () => {
    const [claim] = claimsOf(work);
    expect(claim).toMatchObject({ id: run.id, version: run.version });
    expect(claim?.state).toMatchObject({
      type: "Submitted",
      context: {
        kubectl_prefect: { id: "claim", scope: "here", by: "me:1", identifier: work.claim.identifier },
      },
      state: { type: "Scheduled" },
    });
  });

  it("claims of a Running run the task runs that wait, not the run", () => {
    const task_runs = [
      { id: "t1", version: 3, serialized_state: { type: "Retrying" } },
      { id: "t2", version: 1, serialized_state: { type: "Pending" } },
    ];
    const running = flowRun({ state: "Running", serialized_state: { type: "Running" }, task_runs });
    const claims = claimsOf(workOf(running, { id: "claim", scope: "here" }));
    expect(claims.map(({ id, version }) => ({ id, version }))).toEqual([{ id: "t1", version: 3 }]);
  });
});
