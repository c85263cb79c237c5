// Thousands of finished Jobs of flow runs, without a pod: for what lists or removes them.

import { setTimeout } from "node:timers/promises";
import { objectIn } from "../../src/base/json.ts";
import type { Cluster, Namespace } from "./cluster.ts";
import { jobsFor } from "./jobs-for.ts";

const CREATE_AT_ONCE = 16;
/** Until the controllers have done with the Jobs that have just finished. */
const SETTLED_MS = 3_000;
/** Until all are finished: on a busy machine the Job controller does some fifty a second. */
const PATIENCE_MS = 600_000;

/** Jobs as the agent makes them, that want no pod: Kubernetes' own controller finds them complete at once. */
export async function finishedJobs(cluster: Cluster, namespace: Namespace, count: number): Promise<void> {
  const texts = await jobsFor(namespace.name, count);
  const ended = await namespace.arrivals("jobs", (line) => line.includes('"completionTime"'));
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
  await ended.reach(count, PATIENCE_MS);
  await setTimeout(SETTLED_MS);
}

/** Where the Jobs of a namespace are listed and created. */
export function pathOf(namespace: Namespace): string {
  return `/apis/batch/v1/namespaces/${namespace.name}/jobs`;
}
