// Each call to either API fails once: with status 500, or cut before or after its effect. In the end everything is in Prefect
// exactly once, and the Job was deleted only after that. In virtual time, so the same call fails at each run of a test.

import { afterEach, describe, expect, it } from "vitest";
import type { PodScript } from "../../fakes/kubernetes/pod-script.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";
import { World } from "../../simulation/world.ts";
import { CALL_FAILURES } from "../support/api-calls.ts";
import { putRunJob } from "../support/run-job.ts";

const MINUTE = 60_000;
const LONGEST_MS = 10 * MINUTE;
const FAILURES = (["prefect", "kube"] as const).flatMap((api) =>
  (["500", "cut before", "cut after"] as const).map((failure) => ({ api, failure })),
);

interface Scenario {
  readonly name: string;
  readonly script: PodScript;
  readonly state: string;
  /** Each matches exactly one message of the run's log. */
  readonly logged: readonly RegExp[];
  /** What the agent writes to Prefect. */
  readonly writes: readonly string[];
  /** The run is being cancelled before the agent starts. */
  readonly isCancelling?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "a Job that succeeds", script: { outcome: "succeed" }, state: "Success", logged: [], writes: [] },
  {
    name: "a Job that fails",
    script: { outcome: "fail", exitCode: 3, log: "last words\n" },
    state: "Failed",
    logged: [/^Job .*: container 'flow' exited with code 3[^]*last words/],
    writes: ["write_run_logs", "set_flow_run_states"],
  },
  {
    name: "an image that cannot be pulled",
    script: { outcome: "imagePull" },
    state: "Failed",
    logged: [/^Job .*: image .* cannot be pulled/, /^Event: 'Pulling'/],
    writes: ["write_run_logs", "set_flow_run_states"],
  },
  {
    name: "a run that is cancelled",
    script: { outcome: "never" },
    state: "Cancelled",
    logged: [],
    writes: ["set_flow_run_states"],
    isCancelling: true,
  },
];

let world: World;
let id = "";
/** The states of the run when its Job was deleted before all was told. */
let deletedTooEarly: string[] = [];
afterEach(() => world.close());

/** A world with a run whose Job exists already, so that the faults affect supervision and not the launch. */
function prepare(scenario: Scenario): void {
  world = new World();
  id = world.dueRun({ script: scenario.script });
  world.prefect.setState(id, { type: "Submitted" });
  if (scenario.isCancelling === true) {
    world.idleRuns.add(id);
    world.prefect.setState(id, { type: "Cancelling" });
  }
  putRunJob(world.kube, id);
  deletedTooEarly = [];
  world.kube.setOnRequest(({ verb, resource }, moment) => {
    if (verb !== "delete" || resource !== "jobs" || moment !== "before") return;
    const state = world.state(id) ?? "";
    const isSettled = state === scenario.state || state === "Cancelling";
    if (!isSettled || logCounts(scenario).includes(0)) deletedTooEarly.push(state);
  });
}

function logCounts({ logged }: Scenario): number[] {
  return logged.map((pattern) => world.messages(id).filter((line) => pattern.test(line)).length);
}

function isOver({ state }: Scenario): boolean {
  return world.state(id) === state && world.kube.list("jobs").length === 0;
}

/** What Prefect was told, once the run has its state and its Job is deleted. */
async function told(scenario: Scenario) {
  await world.time.until(() => isOver(scenario), LONGEST_MS);
  const heads = world.messages(id).map((message) => message.split("\nLast lines")[0] ?? "");
  const types = world.prefect.statesOf(id);
  return {
    logged: logCounts(scenario),
    repeated: heads.filter((head, at) => heads.indexOf(head) !== at),
    states: types.filter((type) => type === scenario.state).length,
    deletedTooEarly,
  };
}

function once({ logged }: Scenario): Awaited<ReturnType<typeof told>> {
  return { logged: logged.map(() => 1), repeated: [], states: 1, deletedTooEarly: [] };
}

/** How many calls an agent makes to each API until it has told all, if none fails. */
async function undisturbed(scenario: Scenario): Promise<{ readonly prefect: number; readonly kube: number }> {
  prepare(scenario);
  world.start();
  await told(scenario);
  const made = { prefect: world.prefect.requests.entries().length, kube: world.kube.requests.total };
  world.close();
  expect(Math.min(made.prefect, made.kube)).toBeGreaterThan(5);
  return made;
}

describe.each(SCENARIOS)("$name", (scenario) => {
  it.each(FAILURES)("is told once whichever call to $api fails: $failure", async ({ api, failure }) => {
    const calls = await undisturbed(scenario);
    for (let nth = 1; nth <= calls[api]; nth++) {
      prepare(scenario);
      const fault = world[api].fault({ nth, effect: CALL_FAILURES[failure] });
      world.start();
      expect({ nth, ...(await told(scenario)) }).toEqual({ nth, ...once(scenario) });
      expect({ nth, hits: fault.hits() }).toEqual({ nth, hits: 1 });
      world.close();
    }
  });

  it("is told once by two agents", async () => {
    prepare(scenario);
    world.start();
    world.start();
    expect(await told(scenario)).toEqual(once(scenario));
  });
});

describe("an agent that ends right after it has written to Prefect", () => {
  const rows = SCENARIOS.flatMap((scenario) => scenario.writes.map((field) => ({ scenario, field })));
  const ends: readonly { readonly how: string; readonly end: (agent: SimulatedAgent) => void }[] = [
    { how: "is stopped", end: (agent) => agent.stop() },
    { how: "is killed", end: (agent) => agent.process.kill() },
  ];

  describe.each(ends)("because it $how", ({ end }) => {
    it.each(rows)("leaves $scenario.name, after $field, to the next, which tells no more", async (row) => {
      prepare(row.scenario);
      const first = world.start();
      let isEnded = false;
      world.prefect.onRequest((call, moment) => {
        if (isEnded || moment !== "after" || !call.fields.includes(row.field)) return;
        isEnded = true;
        end(first);
      });
      await world.time.until(() => isEnded, LONGEST_MS);
      world.start();
      expect(await told(row.scenario)).toEqual(once(row.scenario));
    });
  });
});

describe("an agent without permission to read events", () => {
  it("logs one warning, however long they are missing, and works without them", async () => {
    const scenario = SCENARIOS[1] as Scenario;
    prepare(scenario);
    world.kube.forbid({ resources: ["events"] });
    const agent = world.start();
    expect(await told(scenario)).toEqual(once(scenario));
    await world.time.pass(30 * MINUTE);
    expect(agent.lines.filter((line) => line.includes("Missing permission to read events"))).toHaveLength(1);
  });

  it("reads them once it may, as after the start of an API server that has not read its RBAC yet", async () => {
    const scenario = SCENARIOS[2] as Scenario;
    prepare(scenario);
    const allow = world.kube.forbid({ resources: ["events"] });
    world.start();
    await world.time.pass(5_000);
    allow();
    expect(await told(scenario)).toEqual(once(scenario));
  });
});

describe("an old failed Job of a restarted run", () => {
  it("does not set the run to Failed again", async () => {
    prepare({ ...(SCENARIOS[1] as Scenario), script: { outcome: "fail" } });
    world.start({ policy: { deleteFailedAfterMs: undefined } });
    await world.time.until(() => world.state(id) === "Failed", LONGEST_MS);
    world.scripts.set(id, { outcome: "never" });
    world.prefect.setState(id, { type: "Scheduled" });
    await world.time.until(() => world.state(id) === "Running", LONGEST_MS);
    await world.time.pass(10 * MINUTE);
    expect(world.jobs(id)).toHaveLength(2);
    const types = world.prefect.statesOf(id);
    expect(types.slice(types.indexOf("Failed"))).toEqual(["Failed", "Scheduled", "Submitted", "Running"]);
  });
});
