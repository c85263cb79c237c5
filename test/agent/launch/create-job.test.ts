// One claim, one Job: names in use, lost responses, claims that no longer hold.

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createJob } from "../../../src/agent/launch/create-job.ts";
import type { Creation } from "../../../src/agent/launch/create-job.ts";
import type { AgentDeps } from "../../../src/agent/deps.ts";
import { ownerText } from "../../../src/job/owner.ts";
import { clockOf } from "../../support/clock.ts";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { JobManifest } from "../../../src/kube/client/manifest.ts";
import type { Submission } from "../../../src/orchestrator/work-source.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import type { ClusterView } from "../../../src/agent/cluster-view.ts";

const run = { id: "00000000-0000-4000-8000-0000000000a1" };
const names = ["prefect-job-a", "prefect-job-b", "prefect-job-c"];
const submission: Submission = {
  flowRunId: run.id,
  identifiers: ["a", "b", "c"],
  isFirst: true,
  prepare: () => Promise.resolve(),
  build: (identifier) => Promise.resolve(jobOf(identifier)),
  isCurrent: () => Promise.resolve(true),
};

function jobOf(identifier: string): JobManifest {
  const labels = { "prefect.io/flow_run_id": run.id };
  const template = { metadata: { labels }, spec: { containers: [] } };
  const metadata = { name: `prefect-job-${identifier}`, labels };
  return { apiVersion: "batch/v1", kind: "Job", metadata, spec: { template } };
}

let existing: Map<string, { readonly run: string; readonly owner: string }>;
let created: string[];
let fault: (() => "response-lost" | "deleted-before-its-response" | "unavailable" | undefined) | undefined;
let claimIsCurrent: boolean;
/** The run's Jobs that the watch has shown. */
let seen: Job[];
/** Milliseconds that each look at the clock takes. */
let takesMs: number;
let deleted: string[];
let lists: number;

beforeEach(() => {
  [existing, created, fault, claimIsCurrent, takesMs] = [new Map(), [], undefined, true, 0];
  [deleted, seen, lists] = [[], [], 0];
});

function listedJob(name: string, id: string): object {
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": name.replace("prefect-job-", "") };
  return { metadata: { name, labels }, spec: {}, status: {} };
}

function unavailable(): KubeError {
  return new KubeError("create", "unavailable", { status: 503, reason: "ServiceUnavailable" });
}

const kube: Pick<KubeApi, "create" | "get" | "delete" | "listPage"> = {
  listPage: () => {
    lists++;
    const items = [...existing].map(([name, { run: id }]) => listedJob(name, id));
    return Promise.resolve({ items, resourceVersion: "1", next: undefined } as never);
  },
  create: (_resource, body) => {
    const { metadata } = body as { metadata: { name: string } };
    if (existing.has(metadata.name)) return Promise.resolve("exists" as const);
    const outcome = fault?.();
    if (outcome === "unavailable") return Promise.reject(unavailable());
    created.push(metadata.name);
    if (outcome === "deleted-before-its-response") {
      const annotations = { "prefect.io/agent": ownerText({ name: "a", labels: [], process: "me" }) };
      seen.push({ metadata: { name: metadata.name, annotations }, spec: {}, status: {} } as unknown as Job);
      return Promise.reject(unavailable());
    }
    existing.set(metadata.name, { run: run.id, owner: "me" });
    return outcome === "response-lost" ? Promise.reject(unavailable()) : Promise.resolve("created" as const);
  },
  delete: (_resource, { name }) => {
    deleted.push(name);
    return Promise.resolve("deleted");
  },
  get: (_resource, { name }) => {
    const job = existing.get(name);
    const labels = { "prefect.io/flow_run_id": job?.run };
    const annotations = {
      "prefect.io/agent": ownerText({ name: "a", labels: [], process: job?.owner ?? "" }),
    };
    return Promise.resolve(
      job === undefined ? undefined : ({ metadata: { name, uid: "uid", labels, annotations } } as never),
    );
  },
};

async function create(given: Partial<Submission> = {}): Promise<Creation> {
  let nowMs = 0;
  const deps = { kube, clock: clockOf({ now: () => new Date((nowMs += takesMs)) }) } as unknown as AgentDeps;
  const view = {
    jobNamed: (_id: string, name: string): Job | undefined =>
      seen.find(({ metadata }) => metadata.name === name),
    liveJobOf: () => undefined,
    jobs: { get: () => undefined },
  } as unknown as ClusterView;
  const settings = { namespace: "default", process: "me" };
  const isCurrent = (): Promise<boolean> => Promise.resolve(claimIsCurrent);
  const due = { submission: { ...submission, ...given }, isCurrent };
  // As the submitter does: what may pass is tried again.
  for (let isRetry = false; ; isRetry = true) {
    const claimedAt = isRetry ? -Infinity : Infinity;
    const creation = await createJob({ ...deps, view, settings }, { ...due, claimedAt });
    if (creation.outcome !== "refused" || creation.failure !== "passing") return creation;
  }
}

describe("createJob", () => {
  it("does not create again a Job that the watch has shown, though it was deleted before its request was answered", async () => {
    fault = () => "deleted-before-its-response";
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    expect(created).toEqual([names[0]]);
  });

  it("creates the Job under the claim's identifier", async () => {
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    expect(created).toEqual([names[0]]);
  });

  it.each([
    { owner: "me", outcome: "ours" },
    { owner: "sibling", outcome: "theirs" },
  ])("uses the run's existing Job with that name: created by $owner", async ({ owner, outcome }) => {
    existing.set(names[0] ?? "", { run: run.id, owner });
    expect(await create()).toEqual({ outcome, name: names[0] });
    expect(created).toEqual([]);
  });

  it("leaves a run that was submitted before to its Job that the watch has not shown", async () => {
    existing.set("prefect-job-earlier", { run: run.id, owner: "sibling" });
    expect(await create({ isFirst: false })).toEqual({ outcome: "adopted", name: "prefect-job-earlier" });
    expect(created).toEqual([]);
  });

  it("looks once for an earlier Job, however often its own is refused", async () => {
    let tries = 0;
    fault = () => (++tries < 5 ? "unavailable" : undefined);
    await create({ isFirst: false });
    expect([tries, lists]).toEqual([5, 1]);
  });

  it("uses the next name when another run's Job has the first", async () => {
    existing.set(names[0] ?? "", { run: "another", owner: "sibling" });
    expect(await create()).toEqual({ outcome: "ours", name: names[1] });
  });

  it("fails when other runs' Jobs have all its names", async () => {
    for (const name of names) existing.set(name, { run: "another", owner: "sibling" });
    await expect(create()).rejects.toThrow("its names are taken by other runs' Jobs");
  });

  it("finds the Job whose response was lost, created once", async () => {
    let times = 0;
    fault = () => (times++ === 0 ? "response-lost" : undefined);
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    expect(created).toEqual([names[0]]);
  });

  it("does not create a second Job when the first, whose response was lost, has finished and is deleted", async () => {
    fault = () => {
      claimIsCurrent = false;
      return "response-lost";
    };
    const original = kube.create;
    onTestFinished(() => void (kube.create = original));
    kube.create = async (...call) => {
      const outcome = await original(...call).finally(() => existing.clear());
      return outcome;
    };
    expect(await create()).toEqual({ outcome: "not-needed" });
    expect(created).toEqual([names[0]]);
  });

  it("creates none when the run was cancelled during an outage of the cluster", async () => {
    fault = () => {
      claimIsCurrent = false;
      return "unavailable";
    };
    expect(await create()).toEqual({ outcome: "not-needed" });
    expect(created).toEqual([]);
  });

  it("retries after a conflict without such a Job, as quotas cause it", async () => {
    const original = kube.create;
    onTestFinished(() => void (kube.create = original));
    let times = 0;
    kube.create = (...call) => (times++ === 0 ? Promise.resolve("exists") : original(...call));
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
  });

  it.each([
    {
      what: "for which another process has made a Job meanwhile",
      other: "another-job",
      outcome: "not-needed",
    },
    // It may run in this very Job.
    { what: "that has no other Job", other: undefined, outcome: "ours" },
  ])("after a request of many seconds keeps one Job of a run $what: $outcome", async ({ other, outcome }) => {
    [takesMs, claimIsCurrent] = [6_000, false];
    if (other !== undefined) existing.set(other, { run: run.id, owner: "sibling" });
    expect(await create()).toMatchObject({ outcome });
    expect(deleted).toEqual(outcome === "ours" ? [] : [names[0]]);
  });
});
