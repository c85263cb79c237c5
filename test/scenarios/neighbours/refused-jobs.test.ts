// What the API server's refusal of a Job does to its run and to others: the table of product rules, with 300 runs where all are
// refused. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Failure } from "../../fakes/kubernetes/failure.ts";
import type { Admission } from "../../fakes/kubernetes/writes.ts";
import { World } from "../../simulation/world.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const MANY = 300;
let world: World;
let agent: SimulatedAgent;

beforeEach(async () => {
  world = new World();
  agent = world.start({ labels: ["x"] });
  await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
});

afterEach(() => world.close());

function runs(count: number): string[] {
  return Array.from({ length: count }, () => world.dueRun({ labels: ["x"] }));
}

async function untilAllSucceeded(ids: readonly string[]): Promise<void> {
  await world.time.until(() => ids.every((id) => world.state(id) === "Success"), 10 * MINUTE);
  const creations = world.kube.requests.entries.filter(
    ({ verb, resource, status, query }) =>
      verb === "create" && resource === "jobs" && status === 201 && !query.includes("dryRun"),
  );
  expect(creations).toHaveLength(ids.length);
}

function linesWith(text: string): string[] {
  return agent.lines.filter((line) => line.includes(text));
}

function submitted(ids: readonly string[]): number {
  return ids.filter((id) => world.state(id) === "Submitted").length;
}

/** Refuses Jobs with this failure; only those of these runs, if they are given. */
function refuse(failure: Failure, only?: readonly string[]): void {
  const admission: Admission = (resource, { metadata }) => {
    if (resource !== "jobs") return undefined;
    const id = metadata.labels?.["prefect.io/flow_run_id"] ?? "";
    return only === undefined || only.includes(id) ? failure : undefined;
  };
  world.kube.setAdmission(admission);
}

const WEBHOOK_DOWN = new Failure(
  'Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: Post "https://policy.example.svc:443/": dial tcp 10.0.0.1:443: connect: connection refused',
  { code: 500, reason: "InternalError" },
);

describe("a full quota", () => {
  const LIMIT = 40;

  beforeEach(() => {
    world.kube.setAdmission((resource, { metadata }) => {
      const used = world.kube.list("jobs").length;
      if (resource !== "jobs" || used < LIMIT) return undefined;
      const count = `requested: count/jobs.batch=1, used: count/jobs.batch=${used}, limited: count/jobs.batch=${LIMIT}`;
      return new Failure(`jobs.batch "${metadata.name}" is forbidden: exceeded quota: jobs, ${count}`, {
        code: 403,
        reason: "Forbidden",
        details: { name: metadata.name, group: "batch", kind: "jobs" },
      });
    });
  });

  it("makes runs wait until there is room, and none is lost, doubled or Failed", async () => {
    await untilAllSucceeded(runs(MANY));
    expect(linesWith("The namespace's quota is full")).not.toEqual([]);
  });

  it("stops new claims, and is told once in the log of a run that waits", async () => {
    const first = Array.from({ length: LIMIT }, () =>
      world.dueRun({ labels: ["x"], script: { outcome: "never" } }),
    );
    await world.time.until(() => first.every((id) => world.jobs(id).length === 1), MINUTE);
    const [blocked = ""] = runs(1);
    await world.time.until(() => world.state(blocked) === "Submitted", MINUTE);
    const later = runs(MANY);
    await world.time.pass(5 * MINUTE);
    expect(submitted(later)).toBe(0);
    const told = world.messages(blocked).filter((line) => line.includes("exceeded quota"));
    expect(told).toHaveLength(1);
    const polledAt = world.prefect.agents()[0]?.last_queried ?? "";
    expect(polledAt > new Date(world.time.nowMs - 15_000).toISOString()).toBe(true);
  });
});

describe("a webhook that cannot be called", () => {
  it("lets 1,000 runs wait, and leaves further ones unclaimed", async () => {
    refuse(WEBHOOK_DOWN);
    const ids = runs(1_100);
    await world.time.until(() => submitted(ids) === 1_000, MINUTE);
    await world.time.pass(15 * SECOND);
    expect(submitted(ids)).toBe(1_000);
  });

  it("lets good runs go on beside 300 that wait, and these run when it is back", async () => {
    const bad = runs(MANY);
    refuse(WEBHOOK_DOWN, bad);
    await world.time.until(() => submitted(bad) === MANY, MINUTE);
    const good = runs(5);
    await world.time.until(() => good.every((id) => world.state(id) === "Success"), 30 * SECOND);
    await world.time.pass(MINUTE);
    expect(submitted(bad)).toBe(MANY);
    expect(linesWith("Kubernetes does not take Jobs now")).toHaveLength(1);
    for (const id of bad) {
      expect(world.messages(id).filter((line) => line.includes("failed calling webhook"))).toHaveLength(1);
    }
    world.kube.setAdmission(undefined);
    await untilAllSucceeded([...bad, ...good]);
  });

  it("keeps the runs that wait alive in Prefect, so that Lazarus does not reschedule them", async () => {
    const bad = runs(20);
    refuse(WEBHOOK_DOWN, bad);
    await world.time.pass(30 * MINUTE);
    expect(world.prefect.lazarus()).toEqual([]);
  });
});

describe("missing permissions", () => {
  it("stop new claims, show in /readyz and one ERROR line, and no run fails; all run when they are back", async () => {
    const allow = world.kube.forbid({ verbs: ["create"], resources: ["jobs"] });
    const ids = runs(MANY);
    await world.time.pass(5 * MINUTE);
    expect(
      ids.map((id) => world.state(id)).filter((state) => state !== "Scheduled" && state !== "Submitted"),
    ).toEqual([]);
    expect(submitted(ids)).toBeLessThan(MANY);
    const later = runs(10);
    await world.time.pass(MINUTE);
    expect(submitted(later)).toBe(0);
    expect(linesWith("Cannot create Jobs; claiming no flow runs until this is fixed")).toHaveLength(1);
    expect(agent.agent()?.problem()).toContain("is forbidden");
    allow();
    await untilAllSucceeded([...ids, ...later]);
    expect(agent.agent()?.problem()).toBeUndefined();
    expect(agent.end()).toBeUndefined();
  });

  it("for listing and watching are ridden out", async () => {
    const id = world.dueRun({ labels: ["x"], script: { outcome: "fail", runMs: 5 * MINUTE } });
    await world.time.until(() => world.state(id) === "Running", MINUTE);
    const allow = world.kube.forbid({ verbs: ["list", "watch"], resources: ["jobs", "pods"] });
    world.kube.dropWatches();
    await world.time.pass(10 * MINUTE);
    expect(agent.end()).toBeUndefined();
    allow();
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
  });
});

describe("a terminating namespace", () => {
  it("is the agent's trouble: runs wait", async () => {
    refuse(
      new Failure(
        'jobs.batch "x" is forbidden: unable to create new content in namespace default because it is being terminated',
        {
          code: 403,
          reason: "Forbidden",
          details: {
            name: "x",
            group: "batch",
            kind: "jobs",
            causes: [
              {
                reason: "NamespaceTerminating",
                message: "namespace default is being terminated",
                field: "metadata.namespace",
              },
            ],
          },
        },
      ),
    );
    const ids = runs(10);
    await world.time.pass(5 * MINUTE);
    expect(ids.map((id) => world.state(id)).filter((state) => state === "Failed")).toEqual([]);
    world.kube.setAdmission(undefined);
    await untilAllSucceeded(ids);
  });
});

describe("a run's own fault", () => {
  it.each([
    {
      what: "a webhook that denies the request, with a status that looks like an outage",
      failure: new Failure('admission webhook "policy.example.com" denied the request: no owner label', {
        code: 500,
        reason: "InternalError",
      }),
      told: "no owner label",
    },
    {
      what: "an invalid Job",
      failure: new Failure(
        'Job.batch "x" is invalid: spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0',
        { code: 422, reason: "Invalid" },
      ),
      told: "spec.backoffLimit",
    },
    {
      what: "a Job that is too large",
      failure: new Failure("etcdserver: request is too large", { code: 500, reason: "InternalError" }),
      told: "is too large",
    },
  ])("fails it at once with the message, and good ones beside it run: $what", async ({ failure, told }) => {
    const [bad = ""] = runs(1);
    refuse(failure, [bad]);
    const good = runs(5);
    await world.time.until(() => world.state(bad) === "Failed", 10 * SECOND);
    expect(world.messages(bad).filter((line) => line.includes(told))).toHaveLength(1);
    await world.time.until(() => good.every((id) => world.state(id) === "Success"), MINUTE);
  });
});
