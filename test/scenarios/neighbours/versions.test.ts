// Another version of this agent with runs in flight: what it wrote on Jobs and in states. The earlier one's is as a build before
// the first release wrote it. In virtual time.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { objectIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { World } from "../../simulation/world.ts";
import type { SimulatedAgent } from "../../simulation/agent-process.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const AGENT = { name: "agent", labels: ["x"] };
let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(() => world.close());

async function started(options = AGENT): Promise<SimulatedAgent> {
  const agent = world.start(options);
  await world.time.until(() => agent.lines.some((line) => line.includes("Waiting for flow runs")), MINUTE);
  return agent;
}

type Annotations = Readonly<Record<string, string>>;

/** A Running run whose agent was killed; `annotations`: what its version wrote on the Job, given what the present one did. */
async function leftRunning(
  runMs: number,
  annotations: (present: Annotations) => Annotations,
): Promise<string> {
  const first = await started();
  const id = world.dueRun({ labels: ["x"], script: { outcome: "fail", runMs } });
  await world.time.until(() => world.state(id) === "Running", MINUTE);
  first.process.kill();
  const job = jobOf(id);
  const metadata = { ...job.metadata, annotations: annotations(job.metadata.annotations ?? {}) };
  world.kube.put("jobs", { ...job, metadata });
  return id;
}

function jobOf(id: string) {
  const job = world.kube.list("jobs").find(({ metadata }) => world.jobs(id).includes(metadata.name));
  if (job === undefined) throw new Error("the run has no Job");
  return job;
}

/** A run that an agent of another version has claimed, before it died. */
function claimed(record: JsonObject): string {
  const id = world.dueRun({ labels: ["x"] });
  const context = { kubectl_prefect: { id: `claim-${id}`, identifier: "c93e907f", ...record } };
  world.prefect.setState(id, { type: "Submitted", message: "Submitted for execution", context });
  return id;
}

function failures(id: string): readonly string[] {
  return world.messages(id).filter((line) => line.includes("exited with code 1"));
}

const earlier = (): Annotations => ({ "prefect.io/told-by": "vm:29305" });

describe("after an upgrade", () => {
  it("a Job of the earlier version is followed by the agent of the same name and labels, and reported once", async () => {
    const id = await leftRunning(MINUTE, earlier);
    await started();
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
    await world.time.until(() => world.jobs(id).length === 0, MINUTE);
    expect(failures(id)).toHaveLength(1);
    expect(world.createdJobs()).toHaveLength(1);
  });

  it("a Job of the earlier version keeps all that was on it when another agent adopts it", async () => {
    const id = await leftRunning(10 * MINUTE, earlier);
    const before = jobOf(id).metadata;
    await started({ name: "other", labels: ["x"] });
    await world.time.pass(8 * MINUTE);
    const { annotations = {}, labels } = jobOf(id).metadata;
    expect(labels).toEqual(before.labels);
    expect(annotations).toMatchObject(earlier());
    expect(JSON.parse(annotations["prefect.io/agent"] ?? "")).toMatchObject({ name: "other" });
  });

  it("a claim of the earlier version without a Job waits until Prefect reschedules the run", async () => {
    const id = claimed({ place: "0401b9a043bb5d9c/default", by: "vm:29305" });
    const before = world.prefect.flowRun(id);
    await started();
    await world.time.pass(9 * MINUTE);
    expect(world.prefect.flowRun(id)).toEqual(before);
    expect(world.createdJobs()).toHaveLength(0);
    await world.time.pass(2 * MINUTE);
    expect(world.prefect.lazarus()).toEqual([id]);
    await world.time.until(() => world.state(id) === "Success", 2 * MINUTE);
    expect(world.createdJobs()).toHaveLength(1);
  });
});

describe("after a downgrade", () => {
  const newer = ({ "prefect.io/agent": text = "{}", ...others }: Annotations): Annotations => ({
    ...others,
    "prefect.io/agent": JSON.stringify({ ...objectIn(JSON.parse(text)), zone: "a", since: 2 }),
    "prefect.io/later": "as it was",
  });

  it("a Job of a newer version, with more on it, is followed and reported once", async () => {
    const id = await leftRunning(2 * MINUTE, newer);
    await started();
    await world.time.pass(MINUTE);
    expect(jobOf(id).metadata.annotations).toMatchObject({ "prefect.io/later": "as it was" });
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
    expect(failures(id)).toHaveLength(1);
  });

  it("a Job whose record cannot be read belongs to the agent that Prefect names", async () => {
    const id = await leftRunning(MINUTE, () => ({ "prefect.io/agent": "2;agent;x" }));
    await started();
    await world.time.until(() => world.state(id) === "Failed", 2 * MINUTE);
    expect(failures(id)).toHaveLength(1);
  });

  it("a claim with more in its record is finished, with the identifier that it names", async () => {
    const uid = world.kube.get("namespaces", undefined, "default")?.metadata.uid;
    const place = { namespace: "default", namespaceUid: uid, region: "eu" };
    const id = claimed({ place, agent: { ...AGENT, zone: "a" }, process: "dead", since: 2 });
    await started();
    await world.time.until(() => world.jobs(id).length === 1, MINUTE);
    expect(world.jobs(id)).toEqual(["prefect-job-c93e907f"]);
    await world.time.until(() => world.state(id) === "Success", MINUTE);
  });

  it("a claim whose place cannot be read is not touched", async () => {
    const id = claimed({ place: { uid: "2;default" }, agent: AGENT, process: "dead" });
    const before = world.prefect.flowRun(id);
    await started();
    await world.time.pass(20 * MINUTE);
    expect(world.prefect.flowRun(id)).toEqual(before);
    expect(world.createdJobs()).toHaveLength(0);
  });
});
