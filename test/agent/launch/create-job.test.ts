// One claim, one Job: names that are taken, answers that were lost, claims that are no more.

import { beforeEach, describe, expect, it } from "vitest";
import { claimsOf, identifiersOf, submissionOf } from "../../../src/prefect1/submission.ts";
import { createJob } from "../../../src/agent/launch/create-job.ts";
import type { Creation } from "../../../src/agent/launch/create-job.ts";
import type { AgentDeps } from "../../../src/agent/deps.ts";
import type { AgentSettings } from "../../../src/agent/settings.ts";
import { silentLog } from "../../../src/base/log.ts";
import { defaultTemplate } from "../../../src/prefect1/build/template.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { KubeError } from "../../../src/kube/client/errors.ts";
import { flowRun, SETTINGS } from "../../prefect1/build/support.ts";

const run = flowRun();
const submission = submissionOf(run, { id: "claim", scope: "here", by: "me:1" });
const names = [...identifiersOf(submission)].map((identifier) => `prefect-job-${identifier}`);

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
    loadTemplate: () => Promise.resolve(defaultTemplate()),
    isDead: (maker: string) => maker === "dead:1",
  } as unknown as AgentDeps;
  const agent = { job: SETTINGS, namespace: "default", identity: "me:1", template: undefined };
  const due = {
    submission,
    signal: new AbortController().signal,
    stands: () => Promise.resolve(claimStands),
  };
  return createJob(deps, agent as unknown as AgentSettings, due);
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
    await expect(create()).rejects.toThrow("its names are taken by others");
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

describe("claimsOf", () => {
  it("claims a Scheduled run with its version, and a mark of whose it is and which Job is due", () => {
    const [claim] = claimsOf(submission);
    expect(claim).toMatchObject({ id: run.id, version: run.version });
    expect(claim?.state).toMatchObject({
      type: "Submitted",
      context: {
        kubectl_prefect: { id: "claim", scope: "here", by: "me:1", identifier: submission.mark.identifier },
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
    const claims = claimsOf(submissionOf(running, { id: "claim", scope: "here" }));
    expect(claims.map(({ id, version }) => ({ id, version }))).toEqual([{ id: "t1", version: 3 }]);
  });
});
