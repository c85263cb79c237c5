// What must be true at the end, whatever was done meanwhile.

import type { PrefectStandin } from "../../src/standin/prefect/prefect-standin.ts";
import { isFinished } from "../../src/prefect/state.ts";
import type { ChaosCluster } from "./cluster.ts";
import { fateNamed } from "./fate.ts";

/** Runs that are not over yet. */
export function unfinished(prefect: PrefectStandin, ids: readonly string[]): string[] {
  return ids.filter((id) => !isFinished(prefect.flowRun(id)?.state ?? ""));
}

/** Every broken promise, a line each. */
export function brokenPromises(
  prefect: PrefectStandin,
  cluster: ChaosCluster,
  ids: readonly string[],
): string[] {
  const jobs = Map.groupBy(cluster.made.values(), ({ flowRunId }) => flowRunId);
  const broken = ids.flatMap((id) => {
    const run = prefect.flowRun(id);
    const name = run?.name ?? "";
    const wanted = fateNamed(name).ends;
    const states = prefect.history(id).map(({ type }) => type);
    const submissions = states.filter((type) => type === "Submitted").length;
    const made = jobs.get(id)?.length ?? 0;
    const messages = prefect.logsOf(id).map(({ message }) => message ?? "");
    return [
      ...(run?.state === wanted
        ? []
        : [`${name} ended ${run?.state}, not ${wanted} (${states.join(" > ")})`]),
      ...(made === 1 ? [] : [`${name} got ${made} Jobs for ${submissions} submissions`]),
      ...(submissions === 1 ? [] : [`${name} was submitted ${submissions} times`]),
      ...twice(messages).map((message) => `${name} was told twice: ${message.split("\n")[0]}`),
      ...(wanted === "Failed" && !messages.some((message) => message.startsWith("Job "))
        ? [`${name} failed without a post-mortem`]
        : []),
    ];
  });
  const left = cluster.jobsLeft();
  return left === 0 ? broken : [...broken, `${left} Jobs are left in the cluster`];
}

function twice(messages: readonly string[]): string[] {
  return [...new Set(messages.filter((message, at) => messages.indexOf(message) !== at))];
}
