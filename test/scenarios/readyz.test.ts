// Each loop of the agent in turn makes no progress any more: /readyz says which one, and takes it back when it goes on.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BOUNDS_MS } from "../../src/agent/server/health.ts";
import { LOOPS } from "../../src/agent/server/progress.ts";
import type { Loop } from "../../src/agent/server/progress.ts";
import { AgentServer } from "../../src/agent/server/server.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { ApiCall } from "../fakes/prefect1/api-call.ts";
import { startAgentHere } from "./support/agent-here.ts";
import type { AgentHere } from "./support/agent-here.ts";
import { dueRun, eventually } from "./support/stories.ts";
import { startWorld } from "./support/world.ts";
import type { World } from "./support/world.ts";
import { freePort } from "../../scripts/free-port.ts";

/** A minute passes in a tenth of a second, for the agent and for its health alike. */
const SPEED = 600;
const born = Date.now();
const fast: Clock = {
  now: () => new Date(born + (Date.now() - born) * SPEED),
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
};

let world: World;
let presence: AgentServer;
let agent: AgentHere;
let address: string;

beforeEach(async () => {
  world = await startWorld({ kube: { bookmarkMs: 20 }, script: () => "pending" });
  address = `http://127.0.0.1:${await freePort()}`;
  presence = new AgentServer(address, { clock: fast, log: silentLog });
  await presence.start();
  agent = await startAgentHere(world, { clock: fast, metrics: presence.metrics });
  await eventuallyReady();
  // One run is in the cluster and waits, so that there are heartbeats to be kept up.
  await launched(dueRun(world));
});

afterEach(async () => {
  await agent.stop();
  await presence.stop();
  await world.stop();
});

async function launched(id: string): Promise<void> {
  await eventually(() => expect(world.jobsOf(id)).toHaveLength(1));
}

async function readyz(): Promise<{ status: number; reason: string }> {
  const answer = await fetch(`${address}/readyz`);
  const { reason = "" } = (await answer.json()) as { reason?: string };
  return { status: answer.status, reason };
}

async function eventuallyReady(): Promise<void> {
  await eventually(async () => expect(await readyz()).toEqual({ status: 200, reason: "" }));
}

function failPrefect(match: (call: ApiCall) => boolean): () => void {
  const effect = { kind: "status", status: 503 } as const;
  const fault = world.prefect.fault({ effect, match, times: Number.POSITIVE_INFINITY });
  return () => fault.remove();
}

/** The watch breaks, and neither it nor a list can be had again. */
function failWatch(plural: string): () => void {
  const heal = world.kube.faults.add({
    action: { kind: "answer", status: 500 },
    match: ({ verb, resource }) => resource === plural && (verb === "list" || verb === "watch"),
    times: Number.POSITIVE_INFINITY,
  });
  world.kube.dropWatches();
  return heal;
}

/** A look at a run never comes to its end: its Job cannot be deleted, nor does the server say no. */
function hangLook(): () => void {
  const id = dueRun(world);
  void launched(id).then(() => world.prefect.setState(id, { type: "Success" }));
  world.kube.faults.add({
    action: { kind: "hang", when: "before" },
    match: ({ verb, resource }) => verb === "delete" && resource === "jobs",
    times: Number.POSITIVE_INFINITY,
  });
  return () => world.kube.faults.clear();
}

const DEATHS: Readonly<Record<Loop, () => () => void>> = {
  poll: () => failPrefect(({ fields }) => fields.includes("get_runs_in_queue")),
  recover: () => failPrefect(({ variables }) => "offset" in variables),
  states: () =>
    failPrefect(
      ({ fields, variables }) => fields[0] === "flow_run" && Object.keys(variables).join() === "ids",
    ),
  heartbeat: () => failPrefect(({ fields }) => fields.includes("update_flow_run_heartbeat")),
  jobs: () => failWatch("jobs"),
  pods: () => failWatch("pods"),
  supervise: hangLook,
};

describe("/readyz", () => {
  it.each(LOOPS.map((loop) => ({ loop, seconds: BOUNDS_MS[loop] / 1_000 })))(
    "says that $loop is dead after $seconds s, and that it lives again",
    async ({ loop }) => {
      const heal = DEATHS[loop]();
      await eventually(async () => {
        const { status, reason } = await readyz();
        expect({ status, reason }).toEqual({
          status: 503,
          reason: expect.stringContaining(`no progress of ${loop} for`) as unknown,
        });
      });
      heal();
      await eventuallyReady();
    },
  );
});
