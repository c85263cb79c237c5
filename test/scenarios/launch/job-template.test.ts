// The agent's own job template: what a wrong one does at the start, and what one does that breaks later. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SettingsError } from "../../../src/base/errors.ts";
import { Failure } from "../../fakes/kubernetes/failure.ts";
import { World } from "../../simulation/world.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
let world: World;
let agent: SimulatedAgent;
/** What a read of the template finds. */
let content: string | Error;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

function template(account: string): string {
  const spec = { serviceAccountName: account, containers: [{ name: "flow" }] };
  return JSON.stringify({ apiVersion: "batch/v1", kind: "Job", spec: { template: { spec } } });
}

function start(first: string | Error): void {
  content = first;
  agent = world.start({
    template: () => (typeof content === "string" ? Promise.resolve(content) : Promise.reject(content)),
  });
}

/** The server of the template does not answer. */
function outage(): Error {
  return new SettingsError('cannot use job template "https://template": connection refused', {
    retryable: true,
  });
}

/** The ServiceAccount of the Job that a new run gets. */
async function accountOfNextRun(): Promise<string | undefined> {
  const id = world.dueRun({ script: { outcome: "never" } });
  await world.time.until(() => world.jobs(id).length === 1, MINUTE);
  const job = world.kube.list("jobs").find(({ metadata }) => metadata.name === world.jobs(id)[0]);
  const spec = job?.spec as { template: { spec: { serviceAccountName?: string } } } | undefined;
  return spec?.template.spec.serviceAccountName;
}

describe("at the start", () => {
  it("a text that is no job template ends the agent", async () => {
    start("kind: Pod\n");
    await world.time.until(() => agent.end() !== undefined, MINUTE);
    expect(agent.end()?.error).toMatchObject({
      exitCode: 2,
      message: 'cannot use job template "https://template": it is a Pod, not a Job',
    });
  });

  it("an address that does not answer is waited for: nothing is claimed, and the agent says why", async () => {
    start(outage());
    await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
    const id = world.dueRun();
    await world.time.pass(2 * MINUTE);
    expect(world.state(id)).toBe("Scheduled");
    expect(agent.agent()?.problem()).toContain("connection refused");
    expect(agent.lines.filter((line) => line.includes("connection refused"))).toHaveLength(1);
    content = template("flows");
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    expect(agent.agent()?.problem()).toBeUndefined();
    expect(agent.agent()?.warning()).toBeUndefined();
  });
});

describe("later", () => {
  beforeEach(async () => {
    start(template("first"));
    await accountOfNextRun();
  });

  it("a new form is used for the next run", async () => {
    content = template("second");
    await world.time.pass(20 * SECOND);
    expect(await accountOfNextRun()).toBe("second");
  });

  it.each([
    { name: "does not answer", broken: outage(), fault: "connection refused" },
    { name: "is no job template any more", broken: "<html>sign in</html>", fault: "it is a web page" },
  ])("a template that $name leaves the last good one in use, and is named", async ({ broken, fault }) => {
    content = broken;
    await world.time.pass(MINUTE);
    expect(await accountOfNextRun()).toBe("first");
    expect(agent.agent()?.problem()).toBeUndefined();
    expect(agent.agent()?.warning()).toContain(fault);
    expect(
      agent.lines.filter((line) => line.includes("The last good job template stays in use")),
    ).toHaveLength(1);
  });

  it.each([
    { code: 422, reason: "Invalid", message: "no", want: "first" },
    {
      code: 400,
      reason: "BadRequest",
      message: 'Job in version "v1" cannot be handled as a Job: json: no',
      want: "first",
    },
    { code: 400, reason: "BadRequest", message: "no dry run for this webhook", want: "second" },
    { code: 403, reason: "Forbidden", message: "no", want: "second" },
  ])("a new form whose sample Job is answered $code $message makes Jobs of the $want form", async (row) => {
    world.kube.setAdmission((resource, { metadata }) => {
      const isSample = metadata.labels?.["prefect.io/flow_run_id"]?.startsWith("00000000-") === true;
      return resource === "jobs" && isSample ? new Failure(row.message, row) : undefined;
    });
    content = template("second");
    await world.time.pass(MINUTE);
    expect(await accountOfNextRun()).toBe(row.want);
    expect(agent.agent()?.warning()?.includes(row.message) ?? false).toBe(row.want === "first");
  });

  it("a form that Kubernetes refuses is tried once until it changes, and stays named", async () => {
    let tries = 0;
    world.kube.setAdmission((resource, { metadata }) => {
      const isSample = metadata.labels?.["prefect.io/flow_run_id"]?.startsWith("00000000-") === true;
      if (resource !== "jobs" || !isSample) return undefined;
      tries++;
      return tries === 1 ? new Failure("no such field", { code: 422, reason: "Invalid" }) : undefined;
    });
    content = template("second");
    await world.time.pass(MINUTE);
    content = outage();
    await world.time.pass(MINUTE);
    expect(agent.agent()?.warning()).toContain("connection refused");
    content = template("second");
    await world.time.pass(MINUTE);
    expect(tries).toBe(1);
    expect(agent.agent()?.warning()).toContain("no such field");
    content = template("third");
    await world.time.pass(MINUTE);
    expect(tries).toBe(2);
    expect(agent.agent()?.warning()).toBeUndefined();
    expect(await accountOfNextRun()).toBe("third");
  });

  it("a form that a policy refused is tried again, and used when the policy is mended", async () => {
    const refusal = new Failure("denied by policy", { code: 422, reason: "Invalid" });
    world.kube.setAdmission((resource) => (resource === "jobs" ? refusal : undefined));
    content = template("second");
    await world.time.pass(MINUTE);
    expect(agent.agent()?.warning()).toContain("denied by policy");
    world.kube.setAdmission(undefined);
    await world.time.pass(6 * MINUTE);
    expect(agent.agent()?.warning()).toBeUndefined();
    expect(await accountOfNextRun()).toBe("second");
  });
});
