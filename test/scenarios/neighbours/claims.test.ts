// Claims without a Job, left by a process that died: which process finishes them, and which claims are no business of this
// agent's. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Place } from "../../../src/orchestrator/place.ts";
import { CLAIM_KEY } from "../../../src/prefect1/claim.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const AGENT = { name: "agent", labels: ["x"] };
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

function here(): Place {
  const uid = (name: string): string | undefined =>
    world.kube.get("namespaces", undefined, name)?.metadata.uid;
  return { namespace: "default", namespaceUid: uid("default"), clusterUid: uid("kube-system"), ca: "ca-0" };
}

/** A run that a process of an agent, which has died, has claimed. */
function claimed(change: { readonly place?: Place; readonly agent?: typeof AGENT } = {}): string {
  const id = world.dueRun({ labels: ["x"] });
  const context = {
    [CLAIM_KEY]: {
      id: `claim-${id}`,
      place: here(),
      identifier: id.slice(0, 8),
      agent: AGENT,
      process: "dead",
      ...change,
    },
  };
  world.prefect.setState(id, { type: "Submitted", message: "Submitted for execution", context });
  return id;
}

describe("a claim without a Job", () => {
  it("of a process of this agent is finished after ten seconds, with the identifier in the claim", async () => {
    const id = claimed();
    world.start(AGENT);
    await world.time.pass(9 * SECOND);
    expect(world.jobs(id)).toEqual([]);
    await world.time.until(() => world.jobs(id).length === 1, 10 * SECOND);
    expect(world.jobs(id)).toEqual([`prefect-job-${id.slice(0, 8)}`]);
    await world.time.until(() => world.state(id) === "Success", MINUTE);
  });

  it("is finished by one of two processes of the agent, once", async () => {
    const ids = Array.from({ length: 30 }, () => claimed());
    world.start(AGENT);
    world.start(AGENT);
    await world.time.until(() => ids.every((id) => world.state(id) === "Success"), 2 * MINUTE);
    expect(world.createdJobs()).toHaveLength(ids.length);
  });

  it("has the next slot of --limit, before new runs", async () => {
    const left = [claimed(), claimed()];
    const due = [world.dueRun({ labels: ["x"] }), world.dueRun({ labels: ["x"] })];
    for (const id of [...left, ...due]) world.scripts.set(id, { outcome: "succeed", runMs: MINUTE });
    world.start({ ...AGENT, flags: { limit: "1" } });
    for (const id of left) {
      await world.time.until(() => world.state(id) === "Success", 3 * MINUTE);
      expect(due.map((each) => world.state(each))).toEqual(["Scheduled", "Scheduled"]);
    }
    await world.time.until(() => due.every((id) => world.state(id) === "Success"), 5 * MINUTE);
    const live = world.kube.requests.entries.filter(
      ({ verb, resource }) => verb === "create" && resource === "jobs",
    );
    expect(live).toHaveLength(4);
  });

  it("is finished although an old Job of the run still exists", async () => {
    const id = claimed();
    const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "00000000" };
    world.kube.put("jobs", {
      metadata: { name: "old", labels, annotations: { "prefect.io/keep": "true" } },
      spec: { template: { spec: { containers: [{ name: "flow", image: "x" }], restartPolicy: "Never" } } },
      status: { conditions: [{ type: "Complete", status: "True" }] },
    });
    world.start(AGENT);
    await world.time.until(() => world.state(id) === "Success", MINUTE);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it.each<{ readonly name: string; readonly place: (at: Place) => Place }>([
    { name: "for another namespace", place: (at) => ({ ...at, namespaceUid: "other" }) },
    {
      name: "for the namespace of that name in another cluster",
      place: ({ namespace }) => ({ namespace, clusterUid: "other" }),
    },
    { name: "that only the CA tells from others", place: ({ namespace, ca }) => ({ namespace, ca }) },
    { name: "of a cluster with another CA", place: ({ namespace }) => ({ namespace, ca: "other" }) },
  ])("$name gets no Job", async ({ place }) => {
    const id = claimed({ place: place(here()) });
    world.start(AGENT);
    await world.time.pass(20 * MINUTE);
    expect(world.createdJobs()).toEqual([]);
    expect(world.state(id)).toBe("Submitted");
  });

  it("gets no Job once another agent, such as Prefect's own, has claimed the run", async () => {
    const id = claimed();
    world.prefect.setState(id, { type: "Submitted", message: "Submitted for execution" });
    world.start(AGENT);
    await world.time.pass(20 * MINUTE);
    expect(world.createdJobs()).toEqual([]);
  });

  it("whose Job was created and has vanished makes the run Failed, without a second Job", async () => {
    const id = claimed();
    const message = `Submitted for execution: Job prefect-job-${id.slice(0, 8)}`;
    world.prefect.writeLog(id, { name: "agent", level: "INFO", message });
    world.start(AGENT);
    await world.time.until(() => world.state(id) === "Failed", MINUTE);
    expect(world.messages(id)[1]).toMatch(/was deleted before it finished/);
    expect(world.createdJobs()).toEqual([]);
  });

  it("of a process that waits with it, and keeps its run alive, is left to that process", async () => {
    const first = world.start(AGENT);
    await world.time.until(() => first.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
    world.kube.forbid({ verbs: ["create"], resources: ["jobs"] });
    const id = world.dueRun({ labels: ["x"] });
    await world.time.until(() => world.state(id) === "Submitted", MINUTE);
    const second = world.start(AGENT);
    await world.time.pass(5 * MINUTE);
    expect(second.lines.filter((line) => line.includes("Resuming a submission"))).toEqual([]);
  });
});

describe("two clusters behind one CA", () => {
  it("leave each other's claims alone where the agents may read no namespace", async () => {
    world.close();
    world = new World({ clusters: 2 });
    for (const kube of world.kubes) kube.forbid({ verbs: ["get"], resources: ["namespaces"] });
    const first = world.start({ ...AGENT, cluster: 0, ca: "shared" });
    await world.time.until(() => first.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
    world.setDown("kubernetes", true, 0);
    const id = world.dueRun({ labels: ["x"] });
    await world.time.until(() => world.state(id) === "Submitted", MINUTE);
    first.process.kill();
    world.start({ ...AGENT, cluster: 1, ca: "shared" });
    await world.time.pass(20 * MINUTE);
    expect(world.jobs(id, 1)).toEqual([]);
    expect(world.state(id)).toBe("Submitted");
  });
});

describe("replicas of one agent", () => {
  it.each([
    { name: "with leader election", leaderElect: true },
    { name: "without", leaderElect: false },
  ])("$name launch each run once, and go on when one of them is killed", async ({ leaderElect }) => {
    const flags = { leaderElect };
    const replicas = [1, 2, 3].map(() => world.start({ ...AGENT, flags }));
    const ids = Array.from({ length: 30 }, () => world.dueRun({ labels: ["x"] }));
    await world.time.pass(3 * SECOND);
    const leader = replicas.find(({ lines }) => lines.some((line) => line.includes("Became the leader")));
    (leader ?? replicas[0])?.process.kill();
    const more = Array.from({ length: 30 }, () => world.dueRun({ labels: ["x"] }));
    const all = [...ids, ...more];
    await world.time.until(() => all.every((id) => world.state(id) === "Success"), 3 * MINUTE);
    await world.time.until(() => world.kube.list("jobs").length === 0, 3 * MINUTE);
    expect(world.createdJobs()).toHaveLength(all.length);
    for (const id of all)
      expect(
        world.messages(id).filter((line) => line.startsWith("Submitted for execution")).length,
      ).toBeLessThan(2);
  });

  it.each([
    {
      by: "fails",
      end: "Failed",
      script: { outcome: "fail", runMs: 5 * SECOND } as const,
      act: () => undefined,
    },
    {
      by: "is deleted with its Job",
      end: "Failed",
      script: { outcome: "never" } as const,
      act: (id: string) => world.kube.remove("jobs", "default", world.jobs(id)[0] ?? ""),
    },
    {
      by: "is cancelled",
      end: "Cancelled",
      script: { outcome: "never" } as const,
      act: (id: string) => world.prefect.setState(id, { type: "Cancelling" }),
    },
  ])("set the end of a run that $by once, although its own process is gone", async ({ end, script, act }) => {
    const first = world.start(AGENT);
    const id = world.dueRun({ labels: ["x"], script });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    for (let count = 0; count < 3; count++) world.start(AGENT);
    first.process.kill();
    await world.time.pass(2 * SECOND);
    act(id);
    await world.time.until(() => world.state(id) === end, 3 * MINUTE);
    await world.time.until(() => world.jobs(id).length === 0, 3 * MINUTE);
    expect(world.prefect.history(id).filter(({ type }) => type === end)).toHaveLength(1);
    const errors = world.prefect.logsOf(id).filter(({ level }) => level === "ERROR");
    expect(errors).toHaveLength(end === "Failed" ? 1 : 0);
  });

  it.each([1, -1])("with leader election keep one leader when a clock is set by %s hour", async (hours) => {
    const flags = { leaderElect: true };
    const replicas = [1, 2].map(() => world.start({ ...AGENT, flags }));
    await world.time.pass(MINUTE);
    for (const { process } of replicas) process.skewMs = hours * 60 * MINUTE;
    await world.time.pass(10 * MINUTE);
    const elections = replicas.flatMap(({ lines }) =>
      lines.filter((line) => line.includes("Became the leader")),
    );
    expect(elections).toHaveLength(1);
    const id = world.dueRun({ labels: ["x"] });
    await world.time.until(() => world.state(id) === "Success", MINUTE);
  });
});
