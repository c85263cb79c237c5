// Two Prefects, or two tenants of one, whose agents work in one namespace: each never touches the other's Jobs. In
// virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { ownerOf } from "../../../src/job/owner.ts";
import { World } from "../../simulation/world.ts";

const MINUTE = 60_000;
/** Longer than an agent must be silent until any agent may report its Jobs. */
const LONG = 90 * MINUTE;

let world: World;

afterEach(() => world.close());

function owners(): (string | undefined)[] {
  return world.kube
    .list("jobs")
    .map(({ metadata }) => ownerOf({ annotations: metadata.annotations ?? {} })?.tenantId);
}

/** A run for an agent with the label x, and one for an agent with the label y. */
const X = { labels: ["x"], script: { outcome: "never" } } as const;
const Y = { labels: ["y"], script: { outcome: "never" } } as const;

describe.each([
  { which: "with the same labels", labels: ["x", "y"] },
  { which: "with labels that could claim the other's runs", labels: ["y", "x", "z"] },
])("agents of one name in one namespace, $which,", ({ labels }) => {
  /** The runs whose Job is not as it was, an hour and a half after they have started. */
  async function touched(ids: readonly string[]): Promise<readonly string[]> {
    await world.time.until(() => ids.every((id) => world.state(id) === "Running"), MINUTE);
    const before = owners();
    await world.time.pass(LONG);
    expect(owners()).toEqual(before);
    return ids.filter((id) => world.state(id) !== "Running" || world.jobs(id).length !== 1);
  }

  it("of two Prefects leave each other's Jobs alone", async () => {
    world = new World({ prefects: 2 });
    world.start({ prefect: 0, labels: ["x", "y"] });
    world.start({ prefect: 1, labels });
    expect(await touched([world.dueRun(X), world.dueRun({ ...Y, prefect: 1 })])).toEqual([]);
  });

  it("of two tenants of one server leave each other's Jobs alone", async () => {
    world = new World();
    const other = world.prefect.addTenant("other");
    world.start({ tenantId: world.prefect.tenantId, labels: ["x", "y"] });
    world.start({ tenantId: other.tenantId, labels });
    const flow = other.createFlow({ name: "etl" });
    const { id } = other.createFlowRun({ flow, labels: Y.labels });
    world.scripts.set(id, Y.script);
    expect(await touched([world.dueRun(X), id])).toEqual([]);
  });
});

describe("a Job of the original agent, which names no agent", () => {
  it("of a run of another tenant is neither adopted, reported nor deleted", async () => {
    world = new World();
    const other = world.prefect.addTenant("other");
    world.start({ tenantId: world.prefect.tenantId, labels: ["x"] });
    const { id } = other.createFlowRun({ flow: other.createFlow({ name: "etl" }), labels: ["x"] });
    other.setState(id, { type: "Running" });
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "00000000" };
    const containers = [{ name: "flow", image: "x" }];
    world.kube.put("jobs", {
      metadata: { name: "original", labels },
      spec: { backoffLimit: 0, template: { spec: { containers, restartPolicy: "Never" } } },
      status: { conditions: [{ type: "Failed", status: "True" }] },
    });
    await world.time.pass(LONG);
    expect(owners()).toEqual([undefined]);
    expect(world.state(id)).toBe("Running");
    expect(world.messages(id)).toEqual([]);
  });
});
