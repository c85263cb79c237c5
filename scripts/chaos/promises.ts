// What must be true at the end, whatever was done meanwhile.

import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { Agents } from "./agents.ts";
import type { ChaosCluster } from "./cluster.ts";
import { fateNamed } from "./outcome.ts";

/** A promise, and a line for each case in which it was broken. */
export interface Promised {
  readonly promise: string;
  readonly broken: readonly string[];
}

/** One flow run at the end. */
interface Ended {
  readonly name: string;
  readonly id: string;
  readonly wanted: "Success" | "Failed";
  readonly states: readonly string[];
  readonly jobs: number;
  readonly messages: readonly string[];
}

/** Runs that are not over yet. */
export function unfinished(prefect: FakePrefect1, ids: readonly string[]): string[] {
  return ids.filter((id) => !isFinished(prefect.flowRun(id)?.state ?? ""));
}

/** Every promise, kept or not. */
export function promisesOf(
  { prefect, cluster, agents }: { prefect: FakePrefect1; cluster: ChaosCluster; agents: Agents },
  ids: readonly string[],
): Promised[] {
  const made = Map.groupBy(cluster.made.values(), ({ flowRunId }) => flowRunId);
  const runs = ids.map((id) => endOf(prefect, id, made.get(id)?.length ?? 0));
  const forEach = (promise: string, brokenBy: (run: Ended) => readonly string[]): Promised => ({
    promise,
    broken: runs.flatMap((run) => brokenBy(run).map((how) => `${run.name} ${how} (${run.id})`)),
  });
  const left = cluster.jobsLeft();
  return [
    forEach("every flow run is in its true final state", ({ states, wanted }) =>
      states.at(-1) === wanted ? [] : [`ended ${states.join(" > ")}, not ${wanted}`],
    ),
    forEach("every flow run was submitted once", ({ states }) => {
      const count = states.filter((type) => type === "Submitted").length;
      return count === 1 ? [] : [`was submitted ${count} times`];
    }),
    forEach("every submission got one Job", ({ jobs }) => (jobs === 1 ? [] : [`got ${jobs} Jobs`])),
    forEach("nothing was said twice", ({ messages }) =>
      twice(messages).map((message) => `was told twice: ${message.split("\n")[0]}`),
    ),
    forEach("every failure was explained once, and no success", ({ messages, wanted }) => {
      const count = messages.filter((message) => message.startsWith("Job ")).length;
      return count === (wanted === "Failed" ? 1 : 0) ? [] : [`got ${count} post-mortems`];
    }),
    { promise: "no Job is left", broken: left === 0 ? [] : [`${left} Jobs are left in the cluster`] },
    { promise: "agents end only when they are told to, in time and with 0", broken: agents.deaths },
    {
      promise: "memory does not grow",
      broken: agents.memory.grew ? [`it grew: ${agents.memory.toString()}`] : [],
    },
  ];
}

function endOf(prefect: FakePrefect1, id: string, jobs: number): Ended {
  const name = prefect.flowRun(id)?.name ?? "";
  return {
    name,
    id,
    wanted: fateNamed(name).ends,
    states: prefect.history(id).map(({ type }) => type),
    jobs,
    messages: prefect.logsOf(id).map(({ message }) => message ?? ""),
  };
}

function twice(messages: readonly string[]): string[] {
  return [...new Set(messages.filter((message, at) => messages.indexOf(message) !== at))];
}
