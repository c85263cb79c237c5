// Job templates of run configs, at an address that does not answer: whose other runs must not wait for them. In virtual time.

import { afterEach, beforeEach, expect, it } from "vitest";
import type { TemplateSource } from "../../../src/prefect1/build/template.ts";
import { JobError } from "../../../src/job/errors.ts";
import { Failure } from "../../fakes/kubernetes/failure.ts";
import { World } from "../../simulation/world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HANGS_MS = 15 * SECOND;
/** More than there are slots for new Jobs and for those that are tried again. */
const MANY = 200;
let world: World;
/** How many reads of one address have begun, and how many are open at a time. */
let reads: Map<string, { begun: number; open: number; most: number }>;

const OF_AGENT = JSON.stringify({ spec: { template: { spec: { containers: [{ name: "flow" }] } } } });

async function read({ path, origin }: TemplateSource): Promise<string> {
  if (origin.from === "agent") return OF_AGENT;
  const count = reads.get(path) ?? { begun: 0, open: 0, most: 0 };
  reads.set(path, count);
  count.begun++;
  count.open++;
  count.most = Math.max(count.most, count.open);
  await new Promise<void>((resolve) => world.time.after(HANGS_MS, resolve));
  count.open--;
  throw new JobError(`cannot use job template "${path}": no answer within 15 s`, { retryable: true });
}

function hangingRuns(address: (at: number) => string): void {
  for (let at = 0; at < MANY; at++)
    world.dueRun({ runConfig: { type: "KubernetesRun", job_template_path: address(at) } });
}

beforeEach(async () => {
  world = new World();
  reads = new Map();
  world.start({ template: read });
  await world.time.pass(20 * SECOND);
});

afterEach(() => world.close());

it.each([
  { name: "one address", address: () => "https://dead/t.yaml" },
  { name: "an address for each", address: (at: number) => `https://dead/${at}.yaml` },
])("hold up no other run, even one that Kubernetes refuses at first: $name", async ({ address }) => {
  hangingRuns(address);
  await world.time.pass(MINUTE);
  let refusals = 1;
  world.kube.setAdmission((resource) =>
    resource === "jobs" && refusals-- > 0
      ? new Failure("busy", { code: 503, reason: "ServiceUnavailable" })
      : undefined,
  );
  const id = world.dueRun({ script: { outcome: "never" } });
  await world.time.until(() => world.jobs(id).length === 1, HANGS_MS);
  expect(world.jobs(id)).toHaveLength(1);
});

it("are asked for once at a time, for all runs that need the same one", async () => {
  hangingRuns(() => "https://dead/t.yaml");
  await world.time.pass(MINUTE);
  expect(reads.get("https://dead/t.yaml")?.most).toBe(1);
});
