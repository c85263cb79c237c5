import { describe, expect, it } from "vitest";
import { claimsOf, workOf } from "../../src/prefect1/claim.ts";
import { flowRun } from "./build/support.ts";

const CLAIMER = {
  id: "claim",
  place: { namespace: "flows", namespaceUid: "u1" },
  agent: { name: "agent", labels: ["k8s"] },
  process: "p1",
};
const run = flowRun();
const work = workOf(run, CLAIMER);

describe("claimsOf", () => {
  it("claims a Scheduled run with its version, the claimer and the identifier of its Job", () => {
    const [claim] = claimsOf(work);
    expect(claim).toMatchObject({ id: run.id, version: run.version });
    expect(claim?.state).toMatchObject({
      type: "Submitted",
      context: {
        kubectl_prefect: { ...CLAIMER, identifier: work.claim.identifier },
      },
      state: { type: "Scheduled" },
    });
  });

  it("claims the waiting task runs of a Running run, not the run", () => {
    const task_runs = [
      { id: "t1", version: 3, serialized_state: { type: "Retrying" } },
      { id: "t2", version: 1, serialized_state: { type: "Pending" } },
    ];
    const running = flowRun({ state: "Running", serialized_state: { type: "Running" }, task_runs });
    const claims = claimsOf(workOf(running, CLAIMER));
    expect(claims.map(({ id, version }) => ({ id, version }))).toEqual([{ id: "t1", version: 3 }]);
  });
});
