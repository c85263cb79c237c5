// Every call that a story makes, on both APIs, fails once: refused, or cut before or after its effect. In the end Prefect
// has been told all, nothing twice, and nothing was removed untold.

import { DEFAULT_POLICY } from "../../../src/job/decide/policy.ts";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Job } from "../../../src/kube/client/objects.ts";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import { startAgentHere } from "../support/agent-here.ts";
import type { AgentHere, HereOptions } from "../support/agent-here.ts";
import { startWorld } from "../support/world.ts";
import type { World } from "../support/world.ts";

const POLICY = {
  ...DEFAULT_POLICY,
  startGraceMs: 1_000,
  cancelGraceMs: 50,
  exitGraceMs: 50,
  sidecarGraceMs: 50,
};
const PATIENCE = { timeout: 30_000, interval: 10 };

interface Story {
  readonly name: string;
  readonly script: PodScript;
  readonly state: string;
  /** Marks of lines that the run's log has exactly once. */
  readonly told: readonly RegExp[];
  /** Done before the agent looks. The pod then leaves Prefect alone. */
  readonly blow?: (world: World, id: string) => void;
}

const STORIES: readonly Story[] = [
  { name: "a Job that succeeds", script: { fate: "succeed" }, state: "Success", told: [] },
  {
    name: "a Job that fails",
    script: { fate: "fail", exitCode: 3, log: "last words\n" },
    state: "Failed",
    told: [/^Job .*: container 'flow' exited with code 3[^]*last words/],
  },
  {
    name: "an image that cannot be pulled",
    script: { fate: "imagePull" },
    state: "Failed",
    told: [/^Job .*: image .* cannot be pulled/, /^Event: 'Pulling'/],
  },
  {
    name: "a run that is cancelled",
    script: { fate: "never" },
    state: "Cancelled",
    told: [],
    blow: (world, id) => world.prefect.setState(id, { type: "Cancelling" }),
  },
];

/** A world with a run whose Job stands already, so that the faults strike supervision and not the launch. */
async function standing(story: Story): Promise<{ world: World; id: string; untold: string[] }> {
  const untold: string[] = [];
  const world = await startWorld({ script: () => story.script, doesRun: () => story.blow === undefined });
  onTestFinished(() => world.stop());
  const flow = world.prefect.createFlow({ name: "story" });
  const { id } = world.prefect.createFlowRun({ flow });
  world.prefect.setState(id, { type: "Submitted" });
  world.kube.put("jobs", jobOf(id));
  story.blow?.(world, id);
  world.kube.setOnRequest(({ verb, resource }, moment) => {
    if (verb !== "delete" || resource !== "jobs" || moment !== "before") return;
    const run = world.prefect.flowRun(id);
    const isSettled = run?.state === story.state || run?.state === "Cancelling";
    if (!isSettled || told(world, id, story).includes(0)) untold.push(`${run?.state}`);
  });
  return { world, id, untold };
}

function jobOf(id: string): { [key: string]: unknown } {
  const labels = { "prefect.io/flow_run_id": id, "prefect.io/identifier": "0a1b2c3d" };
  const template = {
    metadata: { labels },
    spec: { restartPolicy: "Never", containers: [{ name: "flow", image: "flows:1" }] },
  };
  const metadata = { name: "prefect-job-0a1b2c3d", namespace: "default", labels };
  return { metadata, spec: { backoffLimit: 0, completions: 1, parallelism: 1, template } };
}

function told(world: World, id: string, { told: marks }: Story): number[] {
  const lines = world.prefect.logsOf(id).map(({ message }) => message ?? "");
  return marks.map((mark) => lines.filter((line) => mark.test(line)).length);
}

function linesTwice(world: World, id: string): string[] {
  const heads = world.prefect.logsOf(id).map(({ message }) => (message ?? "").split("\nLast lines")[0] ?? "");
  return heads.filter((head, at) => heads.indexOf(head) !== at);
}

async function agentFor(world: World, options: HereOptions = {}): Promise<AgentHere> {
  const agent = await startAgentHere(world, {
    ...options,
    settings: { policy: POLICY, ...options.settings },
  });
  onTestFinished(() => agent.stop());
  return agent;
}

/** What both APIs were asked last, for whoever wonders why a story has not ended. */
function lastCalls({ prefect, kube }: World): string {
  const asked = prefect.requests.entries().slice(-12);
  const done = kube.requests.entries.slice(-12);
  const pods = kube.list("pods").map(({ status }) => JSON.stringify(status));
  return [
    ...asked.map(({ at, fields }) => `${at.toISOString()} ${fields.join(" ")}`),
    ...done.map(({ verb, resource }) => `${verb} ${resource}`),
    ...pods,
  ].join("\n");
}

async function endsWell(world: World, id: string, story: Story): Promise<void> {
  const isOver = vi.waitFor(() => {
    expect(world.prefect.flowRun(id)?.state).toBe(story.state);
    expect(world.kube.list("jobs")).toEqual([]);
  }, PATIENCE);
  await isOver.catch((error: unknown) => {
    throw new Error(`the story has not ended; the last calls:\n${lastCalls(world)}`, { cause: error });
  });
  expect(told(world, id, story)).toEqual(story.told.map(() => 1));
  expect(linesTwice(world, id)).toEqual([]);
  const types = world.prefect.history(id).map(({ type }) => type);
  expect(types.filter((type) => type === story.state).length).toBeLessThan(2);
}

/** What the story's calls are, in an undisturbed run: how many on each side. */
const KUBE_CALLS = 12;
const PREFECT_CALLS = 12;

describe.each(STORIES)("$name", (story) => {
  it("is told once", async () => {
    const { world, id, untold } = await standing(story);
    await agentFor(world);
    await endsWell(world, id, story);
    expect(untold).toEqual([]);
  });

  it.each(["500", "cut before", "cut after"] as const)(
    "is told once whichever Prefect call fails: %s",
    async (how) => {
      const calls = Array.from({ length: PREFECT_CALLS }, (_, at) => at + 1);
      await Promise.all(
        calls.map(async (nth) => {
          const { world, id, untold } = await standing(story);
          const effect =
            how === "500"
              ? ({ kind: "status", status: 500 } as const)
              : ({ kind: "cut", when: how === "cut before" ? "before" : "after" } as const);
          world.prefect.fault({ effect, nth });
          await agentFor(world);
          await endsWell(world, id, story);
          expect(untold).toEqual([]);
        }),
      );
    },
  );

  it.each(["500", "cut before", "cut after"] as const)(
    "is told once whichever Kubernetes call fails: %s",
    async (how) => {
      const calls = Array.from({ length: KUBE_CALLS }, (_, at) => at + 1);
      await Promise.all(
        calls.map(async (nth) => {
          const { world, id, untold } = await standing(story);
          const action =
            how === "500"
              ? ({ kind: "answer", status: 500 } as const)
              : ({ kind: "cut", when: how === "cut before" ? "before" : "after" } as const);
          world.kube.faults.add({ action, nth });
          await agentFor(world);
          await endsWell(world, id, story);
          expect(untold).toEqual([]);
        }),
      );
    },
  );

  it("is told once by two agents", async () => {
    const { world, id, untold } = await standing(story);
    await agentFor(world, { name: "one" });
    await agentFor(world, { name: "two" });
    await endsWell(world, id, story);
    expect(untold).toEqual([]);
  });

  it.each(["write_run_logs", "set_flow_run_states"])(
    "is told once though the agent dies right after %s",
    async (field) => {
      const { world, id } = await standing(story);
      const first = await agentFor(world, { name: "first" });
      let isDead = false;
      world.prefect.onRequest(async (call, moment) => {
        if (isDead || moment !== "after" || !call.fields.includes(field)) return;
        isDead = true;
        void first.stop();
      });
      await agentFor(world, { name: "second" });
      await endsWell(world, id, story);
      expect(told(world, id, story)).toEqual(story.told.map(() => 1));
    },
  );
});

describe("an agent without the right to read events", () => {
  it("says so once and goes on without them", async () => {
    const story = STORIES[1]!;
    const { world, id } = await standing(story);
    world.kube.forbid({ resources: ["events"] });
    const agent = await agentFor(world);
    await endsWell(world, id, story);
    await vi.waitFor(
      () => expect(agent.lines.filter((line) => line.includes("No right to read events"))).toHaveLength(1),
      PATIENCE,
    );
  });
});

describe("an agent that may no longer read Jobs", () => {
  it("ends with Kubernetes' refusal", async () => {
    const world = await startWorld();
    onTestFinished(() => world.stop());
    world.kube.forbid({ resources: ["jobs"] });
    const agent = await agentFor(world);
    await expect(agent.ended).rejects.toMatchObject({ name: "KubeError", status: 403, exitCode: 4 });
  });
});

describe("an old Job of a run that was started again", () => {
  it("does not fail the run anew", async () => {
    const kept = (job: Job): PodScript =>
      job.metadata.name.endsWith("0a1b2c3d") ? { fate: "fail" } : { fate: "never" };
    const world = await startWorld({ script: kept });
    onTestFinished(() => world.stop());
    const flow = world.prefect.createFlow({ name: "story" });
    const { id } = world.prefect.createFlowRun({ flow });
    world.prefect.setState(id, { type: "Running" });
    world.kube.put("jobs", jobOf(id));
    await agentFor(world, { settings: { policy: { ...POLICY, deleteFailedAfterMs: undefined } } });
    await world.prefect.until(() => world.prefect.flowRun(id)?.state === "Failed", { timeoutMs: 5_000 });
    world.prefect.setState(id, { type: "Scheduled" });
    await world.prefect.until(() => world.prefect.flowRun(id)?.state === "Running", { timeoutMs: 12_000 });
    await vi.waitFor(
      () => expect(world.kube.list("pods").some(({ status }) => status?.["phase"] === "Running")).toBe(true),
      PATIENCE,
    );
    expect(world.prefect.history(id).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["Failed", "Scheduled", "Submitted", "Running"]),
    );
    expect(world.prefect.history(id).filter(({ type }) => type === "Failed")).toHaveLength(1);
  });
});
