// Creates thousands of finished Jobs of flow runs, without pods.

import { setTimeout } from "node:timers/promises";
import { objectIn } from "../../src/base/json.ts";
import type { Cluster, Namespace } from "./cluster.ts";
import { jobsFor } from "./jobs-for.ts";

const CREATE_AT_ONCE = 16;
/** Until the controllers have processed the finished Jobs. */
const SETTLED_MS = 3_000;
/** Until all are finished: on a busy machine the Job controller handles about fifty a second. */
const WAIT_MS = 600_000;

/** Creates Jobs like the agent's, but with 0 completions: the Job controller completes them at once. */
export async function finishedJobs(cluster: Cluster, namespace: Namespace, count: number): Promise<void> {
  const texts = await jobsFor(namespace.name, count);
  const ended = await namespace.firstEvents("jobs", (line) => line.includes('"completionTime"'));
  const left = texts.values();
  await Promise.all(
    Array.from({ length: CREATE_AT_ONCE }, async () => {
      for (const text of left) {
        const job = objectIn(JSON.parse(text));
        const body = { ...job, spec: { ...objectIn(job["spec"]), completions: 0, parallelism: 0 } };
        await cluster.send({ method: "POST", path: pathOf(namespace), body });
      }
    }),
  );
  await ended.reach(count, WAIT_MS);
  await setTimeout(SETTLED_MS);
}

/** The API path of the namespace's Jobs. */
export function pathOf(namespace: Namespace): string {
  return `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
}
