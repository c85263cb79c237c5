// A run that is launched again, here or elsewhere, while an older Job of it is still there: the old Job's end is no reason to fail
// the run, and its line does not come into the log. In virtual time.

import { afterEach, describe, expect, it } from "vitest";
import { World } from "../../simulation/world.ts";
import { Failure } from "../../fakes/kubernetes/failure.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { prefectOrigin } from "../../simulation/origins.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const AGENT = { name: "a", labels: ["x"] };
const DELETED = /was deleted before it finished/;
let world: World;

afterEach(() => world.close());

async function runningRun(): Promise<string> {
  const id = world.dueRun({ labels: ["x"], script: { outcome: "never" } });
  await world.time.until(() => world.state(id) === "Running", MINUTE);
  return id;
}

/** Cancels the run, waits until the agent deletes its Job, whose pod takes half a minute to end, and restarts it. */
async function restartWhileItEnds(id: string): Promise<void> {
  world.prefect.setState(id, { type: "Cancelled" });
  const isDeleted = (): boolean =>
    world.kube.list("jobs").every(({ metadata }) => metadata.deletionTimestamp !== undefined);
  await world.time.until(isDeleted, 2 * MINUTE);
  world.scripts.set(id, { outcome: "succeed", runMs: 5 * SECOND });
  world.prefect.setState(id, { type: "Scheduled" });
}

function fillQuota(): () => void {
  const refuse = (name: string): Failure =>
    new Failure(`jobs.batch "${name}" is forbidden: exceeded quota: jobs`, {
      code: 403,
      reason: "Forbidden",
      details: { name, group: "batch", kind: "jobs" },
    });
  world.kube.setAdmission((resource, { metadata }) =>
    resource === "jobs" ? refuse(metadata.name) : undefined,
  );
  return () => world.kube.setAdmission(undefined);
}

describe("a run that is cancelled, and restarted while its pod terminates", () => {
  it.each([1, 2])("succeeds, and its log tells of no deletion: %d process(es)", async (processes) => {
    world = new World({ kube: { killMs: 25 * SECOND } });
    for (let at = 0; at < processes; at++) world.start(AGENT);
    const id = await runningRun();
    await restartWhileItEnds(id);
    await world.time.until(() => world.state(id) === "Success", 5 * MINUTE);
    await world.time.pass(MINUTE);
    expect(world.messages(id).filter((line) => DELETED.test(line))).toEqual([]);
  });

  it.each([
    { name: "beside another process", processes: 2, updates: false },
    { name: "across an update of the agent", processes: 1, updates: true },
  ])("waits for its new Job $name", async ({ processes, updates }) => {
    world = new World({ kube: { killMs: 25 * SECOND } });
    const agents = Array.from({ length: processes }, () => world.start(AGENT));
    const id = await runningRun();
    const allow = fillQuota();
    await restartWhileItEnds(id);
    await world.time.until(() => world.state(id) === "Submitted", MINUTE);
    if (updates) {
      agents[0]?.stop();
      world.start(AGENT);
    }
    await world.time.pass(3 * MINUTE);
    expect(world.state(id)).toBe("Submitted");
    allow();
    await world.time.until(() => world.state(id) === "Success", 5 * MINUTE);
    expect(world.prefect.statesOf(id)).not.toContain("Failed");
  });
});

describe("a run that is restarted while its first Job is stuck, and whose agent dies before it creates the new one", () => {
  it.each([undefined, 0])("gets its new Job, --delete-failed-after %s", async (deleteFailedAfterMs) => {
    world = new World();
    const options = { ...AGENT, policy: { deleteFailedAfterMs } };
    const first = world.start(options);
    const id = world.dueRun({ labels: ["x"], script: { outcome: "imagePull", startMs: 35 * SECOND } });
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    await world.time.pass(40 * SECOND);
    world.kube.fault({
      match: ({ verb, resource }) => {
        const isCreation = verb === "create" && resource === "jobs";
        if (isCreation) first.process.kill();
        return isCreation;
      },
      effect: { kind: "cut", when: "before" },
      times: 1,
    });
    world.prefect.setState(id, { type: "Scheduled" });
    await world.time.until(() => world.state(id) === "Submitted", MINUTE);
    await world.time.pass(5 * SECOND);
    world.scripts.set(id, { outcome: "succeed", runMs: SECOND });
    world.start(options);
    await world.time.until(() => world.state(id) === "Success", 10 * MINUTE);
    expect(world.prefect.statesOf(id)).not.toContain("Failed");
  });
});

describe("a run that waits for a quota beside a kept failed Job", () => {
  it("is asked for no more often than another", async () => {
    let logs = 0;
    world = new World({
      network: { onExchange: ({ request }) => (logs += /\blog\(/.test(request.body ?? "") ? 1 : 0) },
    });
    const options = { ...AGENT, policy: { deleteFailedAfterMs: undefined } };
    const first = world.start(options);
    const id = world.dueRun({ labels: ["x"], script: { outcome: "oom", runMs: SECOND } });
    await world.time.until(() => world.state(id) === "Failed", MINUTE);
    await world.time.pass(MINUTE);
    fillQuota();
    world.prefect.setState(id, { type: "Scheduled" });
    await world.time.until(() => world.state(id) === "Submitted", MINUTE);
    first.stop();
    await world.time.pass(10 * SECOND);
    world.start(options);
    await world.time.pass(5 * MINUTE);
    logs = 0;
    await world.time.pass(10 * MINUTE);
    expect(logs).toBeLessThan(5);
  });
});

describe("a Job that waits while its run is launched in another cluster", () => {
  function twoClusters(here: PodScript, there: PodScript): void {
    world = new World({
      clusters: 2,
      flows: {
        script: (_job, _pod, cluster) => (cluster === 0 ? here : there),
        onPhase: (job, _pod, phase) => {
          const id = job.metadata.labels?.["prefect.io/flow_run_id"] ?? "";
          if (phase === "Running") world.prefect.setState(id, { type: "Running" });
          if (phase === "Succeeded") world.prefect.setState(id, { type: "Success" });
        },
      },
    });
  }

  /** Launches a run here, cuts its agent off from Prefect, and lets another agent launch it there. */
  async function launchedThere(
    processes: number,
  ): Promise<{ readonly id: string; readonly heal: () => void }> {
    const agents = Array.from({ length: processes }, () => world.start({ ...AGENT, cluster: 0 }));
    const id = world.dueRun({ labels: ["x"] });
    await world.time.until(() => world.jobs(id, 0).length === 1, MINUTE);
    for (const { process } of agents) world.network.cut(process, prefectOrigin(0));
    world.prefect.setState(id, { type: "Scheduled" });
    world.start({ name: "b", labels: ["x"], cluster: 1 });
    await world.time.until(() => world.jobs(id, 1).length === 1, MINUTE);
    return {
      id,
      heal: () => {
        for (const { process } of agents) world.network.heal(process, prefectOrigin(0));
      },
    };
  }

  it.each([
    { name: "that another process of its agent deletes", processes: 2, loses: false },
    { name: "the answer to whose deletion is lost", processes: 1, loses: true },
  ])("$name does not fail it", async ({ processes, loses }) => {
    twoClusters("pending", { outcome: "succeed", startMs: 40 * SECOND, runMs: 5 * MINUTE });
    const { id, heal } = await launchedThere(processes);
    if (loses)
      world.kube.fault({
        match: ({ verb, resource }) => verb === "delete" && resource === "jobs",
        effect: { kind: "cut", when: "after" },
      });
    heal();
    await world.time.until(() => world.state(id) === "Success", 10 * MINUTE);
    expect(world.prefect.statesOf(id)).not.toContain("Failed");
    expect(world.messages(id).filter((line) => DELETED.test(line))).toEqual([]);
  });

  it("does not fail it when its image cannot be pulled, although it runs there by now", async () => {
    twoClusters({ outcome: "imagePull", startMs: 4 * MINUTE }, { outcome: "succeed", runMs: 10 * MINUTE });
    const { id, heal } = await launchedThere(1);
    await world.time.until(() => world.state(id) === "Running", 3 * MINUTE);
    heal();
    await world.time.until(() => world.state(id) === "Success", 15 * MINUTE);
    expect(world.prefect.statesOf(id)).not.toContain("Failed");
    expect(world.jobs(id, 0)).toEqual([]);
  });
});
