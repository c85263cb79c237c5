// If a loop of the agent makes no progress within its limit, /readyz says so and names the loop, until it makes progress again. In
// virtual time; agent/server/server.test.ts asks over HTTP.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LOOPS, PROGRESS_TIMEOUT_MS } from "../../src/agent/server/health.ts";
import type { Loop } from "../../src/agent/server/health.ts";
import type { ApiCall } from "../fakes/prefect1/api-call.ts";
import type { SimulatedAgent } from "../simulation/agent-process.ts";
import { askedStates, listsClaims } from "./support/api-calls.ts";
import { World } from "../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;
let agent: SimulatedAgent;

beforeEach(async () => {
  world = new World({ kube: { bookmarkMs: 10 * SECOND } });
  agent = world.start();
  // One run has a Pending pod, so that the agent sends heartbeats.
  const id = world.dueRun({ script: "pending" });
  await world.time.until(() => world.jobs(id).length === 1, MINUTE);
  await world.time.pass(MINUTE);
});

afterEach(() => world.close());

function failPrefect(match: (call: ApiCall) => boolean): () => void {
  const effect = { kind: "status", status: 503 } as const;
  const fault = world.prefect.fault({ effect, match, times: Number.POSITIVE_INFINITY });
  return () => fault.remove();
}

/** Ends the watch, and lets every new watch and list fail. */
function failWatch(plural: string): () => void {
  const fault = world.kube.fault({
    effect: { kind: "status", status: 500 },
    match: ({ verb, resource }) => resource === plural && (verb === "list" || verb === "watch"),
    times: Number.POSITIVE_INFINITY,
  });
  world.kube.dropWatches();
  return () => fault.remove();
}

/** Supervision of a run never ends: the request to delete its Job gets no response. */
function hangDeletion(): () => void {
  const id = world.dueRun({ script: "pending" });
  world.prefect.onRequest(() => {
    if (world.jobs(id).length === 1 && world.state(id) === "Submitted")
      world.prefect.setState(id, { type: "Success" });
  });
  world.kube.fault({
    effect: { kind: "hang", when: "before" },
    match: ({ verb, resource }) => verb === "delete" && resource === "jobs",
    times: Number.POSITIVE_INFINITY,
  });
  return () => world.kube.clearFaults();
}

/** Stops the progress of each loop; the returned function repairs it. */
const BREAK: Readonly<Record<Loop, () => () => void>> = {
  poll: () => failPrefect(({ fields }) => fields.includes("get_runs_in_queue")),
  recover: () => failPrefect(listsClaims),
  states: () => failPrefect((call) => askedStates(call).length > 0),
  heartbeat: () => failPrefect(({ fields }) => fields.includes("update_flow_run_heartbeat")),
  jobs: () => failWatch("jobs"),
  pods: () => failWatch("pods"),
  supervise: hangDeletion,
};

/** How often each loop makes progress; its last one may be as long ago when it breaks. */
const EVERY_MS: Readonly<Record<Loop, number>> = {
  poll: 10 * SECOND,
  recover: 15 * SECOND,
  jobs: MINUTE,
  pods: MINUTE,
  states: MINUTE,
  supervise: MINUTE,
  heartbeat: 4 * MINUTE,
};

describe("/readyz", () => {
  it.each(LOOPS.map((loop) => ({ loop, limitMs: PROGRESS_TIMEOUT_MS[loop] })))(
    "names $loop after $limitMs ms without progress, and is ready again when it progresses",
    async ({ loop, limitMs }) => {
      const repair = BREAK[loop]();
      await world.time.pass(limitMs - EVERY_MS[loop]);
      expect(agent.notReady()).toBeUndefined();
      await world.time.pass(2 * EVERY_MS[loop] + SECOND);
      expect(agent.notReady()).toContain(`${loop}: no progress for`);
      repair();
      await world.time.pass(5 * MINUTE);
      expect(agent.notReady()).toBeUndefined();
    },
  );
});
