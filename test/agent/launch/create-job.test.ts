// One claim, one Job: names that are taken, answers that were lost, claims that are no more.

import { beforeEach, describe, expect, it } from "vitest";
import { createJob } from "../../../src/agent/launch/create-job.ts";
import type { Creation } from "../../../src/agent/launch/create-job.ts";
import type { AgentDeps } from "../../../src/agent/deps.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { JobManifest } from "../../../src/kube/client/manifest.ts";
import type { Submission } from "../../../src/orchestrator/work-source.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";

const run = { id: "00000000-0000-4000-8000-0000000000a1" };
const names = ["prefect-job-a", "prefect-job-b", "prefect-job-c"];
const submission: Submission = {
  flowRunId: run.id,
  identifiers: ["a", "b", "c"],
  build: (identifier) => Promise.resolve(jobOf(identifier)),
  isCurrent: () => Promise.resolve(true),
};

function jobOf(identifier: string): JobManifest {
  const labels = { "prefect.io/flow_run_id": run.id };
  const template = { metadata: { labels }, spec: { containers: [] } };
  const metadata = { name: `prefect-job-${identifier}`, labels };
  return { apiVersion: "batch/v1", kind: "Job", metadata, spec: { template } };
}

let standing: Map<string, { readonly run: string; readonly maker: string }>;
let created: string[];
let problem: (() => "lost" | "refused" | undefined) | undefined;
let claimStands: boolean;

beforeEach(() => {
  [standing, created, problem, claimStands] = [new Map(), [], undefined, true];
});

function unavailable(): KubeError {
  return new KubeError("create", "unavailable", { status: 503, reason: "ServiceUnavailable" });
}

const kube: Pick<KubeApi, "create" | "get"> = {
  create: (_resource, body) => {
    const { metadata } = body as { metadata: { name: string } };
    if (standing.has(metadata.name)) return Promise.resolve("exists" as const);
    const fate = problem?.();
    if (fate === "refused") return Promise.reject(unavailable());
    created.push(metadata.name);
    standing.set(metadata.name, { run: run.id, maker: "me:1" });
    return fate === "lost" ? Promise.reject(unavailable()) : Promise.resolve("created" as const);
  },
  get: (_resource, { name }) => {
    const job = standing.get(name);
    const labels = { "prefect.io/flow_run_id": job?.run };
    const annotations = { "prefect.io/agent": job?.maker };
    return Promise.resolve(
      job === undefined ? undefined : ({ metadata: { name, labels, annotations } } as never),
    );
  },
};

function create(): Promise<Creation> {
  const deps = {
    kube,
    log: silentLog,
    clock: { now: () => new Date(0), sleep: () => Promise.resolve() },
    isDead: (maker: string) => maker === "dead:1",
  } as unknown as AgentDeps;
  const due = {
    submission,
    signal: new AbortController().signal,
    isCurrent: () => Promise.resolve(claimStands),
  };
  return createJob(deps, { namespace: "default", identity: "me:1" }, due);
}

describe("createJob", () => {
  it("creates the Job under the claim's identifier", async () => {
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    expect(created).toEqual([names[0]]);
  });

  it.each([
    { maker: "me:1", outcome: "ours" },
    { maker: "dead:1", outcome: "ours" },
    { maker: "sibling:1", outcome: "theirs" },
  ])("takes the run's own Job of that name for done: made by $maker", async ({ maker, outcome }) => {
    standing.set(names[0] ?? "", { run: run.id, maker });
    expect(await create()).toEqual({ outcome, name: names[0] });
    expect(created).toEqual([]);
  });

  it("goes on to the next name when another run's Job has it", async () => {
    standing.set(names[0] ?? "", { run: "another", maker: "sibling:1" });
    expect(await create()).toEqual({ outcome: "ours", name: names[1] });
  });

  it("gives up when others have all its names", async () => {
    for (const name of names) standing.set(name, { run: "another", maker: "sibling:1" });
    await expect(create()).rejects.toThrow("its names are taken by other runs' Jobs");
  });

  it("finds the Job of a lost answer, made once", async () => {
    let times = 0;
    problem = () => (times++ === 0 ? "lost" : undefined);
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    expect(created).toEqual([names[0]]);
  });

  it("does not make a second Job when that of the lost answer is done and gone", async () => {
    problem = () => {
      claimStands = false;
      return "lost";
    };
    const lost = kube.create;
    kube.create = async (...call) => {
      const answer = await lost(...call).finally(() => standing.clear());
      return answer;
    };
    expect(await create()).toEqual({ outcome: "over" });
    expect(created).toEqual([names[0]]);
    kube.create = lost;
  });

  it("makes none when the run was cancelled while the cluster was away", async () => {
    problem = () => {
      claimStands = false;
      return "refused";
    };
    expect(await create()).toEqual({ outcome: "over" });
    expect(created).toEqual([]);
  });

  it("tries again after a conflict that no Job is the cause of, as a quota has them", async () => {
    const without = kube.create;
    let times = 0;
    kube.create = (...call) => (times++ === 0 ? Promise.resolve("exists") : without(...call));
    expect(await create()).toEqual({ outcome: "ours", name: names[0] });
    kube.create = without;
  });
});
