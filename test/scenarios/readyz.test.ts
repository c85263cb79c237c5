// If a loop of the agent makes no progress within its limit, /readyz returns 503 and names the loop, until it makes progress again.

import { clockOf } from "../support/clock.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROGRESS_TIMEOUT_MS } from "../../src/agent/server/health.ts";
import { LOOPS } from "../../src/agent/server/health.ts";
import type { Loop } from "../../src/agent/server/health.ts";
import { AgentServer } from "../../src/agent/server/server.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { ApiCall } from "../fakes/prefect1/api-call.ts";
import { startInProcessAgent } from "./support/in-process-agent.ts";
import type { InProcessAgent } from "./support/in-process-agent.ts";
import { dueRun, eventually } from "./support/flow-runs.ts";
import { startFakes } from "./support/fakes.ts";
import type { Fakes } from "./support/fakes.ts";
import { freePort } from "../../scripts/free-port.ts";

/** For the agent and its health checks, a minute passes in a tenth of a second. */
const SPEED = 600;
const startedMs = Date.now();
const fast: Clock = clockOf({
  now: () => new Date(startedMs + (Date.now() - startedMs) * SPEED),
  sleep: (ms, signal) => systemClock.sleep(ms / SPEED, signal),
});

let fakes: Fakes;
let server: AgentServer;
let agent: InProcessAgent;
let address: string;

beforeEach(async () => {
  fakes = await startFakes({ kube: { bookmarkMs: 20 }, script: () => "pending" });
  address = `http://127.0.0.1:${await freePort()}`;
  server = new AgentServer(address, { clock: fast, log: silentLog });
  await server.start();
  agent = await startInProcessAgent(fakes, { clock: fast, metrics: server.metrics });
  await eventuallyReady();
  // One run has a Pending pod, so that the agent sends heartbeats.
  await untilLaunched(dueRun(fakes));
});

afterEach(async () => {
  await agent.stop();
  await server.stop();
  await fakes.stop();
});

async function untilLaunched(id: string): Promise<void> {
  await eventually(() => expect(fakes.jobsOf(id)).toHaveLength(1));
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
  const fault = fakes.prefect.fault({ effect, match, times: Number.POSITIVE_INFINITY });
  return () => fault.remove();
}

/** Ends the watch, and lets every new watch and list fail. */
function failWatch(plural: string): () => void {
  const removeFault = fakes.kube.faults.add({
    action: { kind: "answer", status: 500 },
    match: ({ verb, resource }) => resource === plural && (verb === "list" || verb === "watch"),
    times: Number.POSITIVE_INFINITY,
  });
  fakes.kube.dropWatches();
  return removeFault;
}

/** Supervision of a run never ends: the request to delete its Job gets no response. */
function hangDeletion(): () => void {
  const id = dueRun(fakes);
  void untilLaunched(id).then(() => fakes.prefect.setState(id, { type: "Success" }));
  fakes.kube.faults.add({
    action: { kind: "hang", when: "before" },
    match: ({ verb, resource }) => verb === "delete" && resource === "jobs",
    times: Number.POSITIVE_INFINITY,
  });
  return () => fakes.kube.faults.clear();
}

/** Stops the progress of each loop; the returned function repairs it. */
const BREAK: Readonly<Record<Loop, () => () => void>> = {
  poll: () => failPrefect(({ fields }) => fields.includes("get_runs_in_queue")),
  recover: () => failPrefect(({ variables }) => "offset" in variables),
  states: () =>
    failPrefect(
      ({ fields, variables }) => fields[0] === "flow_run" && Object.keys(variables).join() === "ids",
    ),
  heartbeat: () => failPrefect(({ fields }) => fields.includes("update_flow_run_heartbeat")),
  jobs: () => failWatch("jobs"),
  pods: () => failWatch("pods"),
  supervise: hangDeletion,
};

describe("/readyz", () => {
  it.each(LOOPS.map((loop) => ({ loop, seconds: PROGRESS_TIMEOUT_MS[loop] / 1_000 })))(
    "names $loop after $seconds s without progress, and is ready again when it progresses",
    async ({ loop }) => {
      const repair = BREAK[loop]();
      await eventually(async () => {
        const { status, reason } = await readyz();
        expect({ status, reason }).toEqual({
          status: 503,
          reason: expect.stringContaining(`${loop}: no progress for`) as unknown,
        });
      });
      repair();
      await eventuallyReady();
    },
  );
});
