// The checks at the end of a chaos test.

import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { Agents } from "./agents.ts";
import type { ChaosCluster } from "./cluster.ts";
import { outcomeNamed } from "./outcome.ts";

/** A check, and a line for each violation. */
export interface Check {
  readonly name: string;
  readonly violations: readonly string[];
}

/** A flow run at the end. */
interface RunResult {
  readonly name: string;
  readonly id: string;
  readonly expected: "Success" | "Failed";
  readonly states: readonly string[];
  readonly jobs: number;
  readonly messages: readonly string[];
}

/** Runs that have not finished. */
export function unfinished(prefect: FakePrefect1, ids: readonly string[]): string[] {
  return ids.filter((id) => !isFinished(prefect.flowRun(id)?.state ?? ""));
}

/** The results of all checks. */
export function checksOf(
  { prefect, cluster, agents }: { prefect: FakePrefect1; cluster: ChaosCluster; agents: Agents },
  ids: readonly string[],
): Check[] {
  const jobs = Map.groupBy(cluster.created.values(), ({ flowRunId }) => flowRunId);
  const runs = ids.map((id) => resultOf(prefect, id, jobs.get(id)?.length ?? 0));
  const forEachRun = (name: string, check: (run: RunResult) => readonly string[]): Check => ({
    name,
    violations: runs.flatMap((run) => check(run).map((problem) => `${run.name} ${problem} (${run.id})`)),
  });
  const left = cluster.remainingJobs();
  return [
    forEachRun("every flow run has its expected final state", ({ states, expected }) =>
      states.at(-1) === expected ? [] : [`ended ${states.join(" > ")}, not ${expected}`],
    ),
    forEachRun("every flow run was submitted once", ({ states }) => {
      const count = states.filter((type) => type === "Submitted").length;
      return count === 1 ? [] : [`was submitted ${count} times`];
    }),
    forEachRun("every flow run had one Job", ({ jobs }) => (jobs === 1 ? [] : [`had ${jobs} Jobs`])),
    forEachRun("no log message was written twice", ({ messages }) =>
      repeated(messages).map((message) => `has twice in its log: ${message.split("\n")[0]}`),
    ),
    forEachRun(
      "every failed run has one post-mortem in its log, every other run none",
      ({ messages, expected }) => {
        const count = messages.filter((message) => message.startsWith("Job ")).length;
        return count === (expected === "Failed" ? 1 : 0) ? [] : [`has ${count} post-mortems`];
      },
    ),
    { name: "no Job is left", violations: left === 0 ? [] : [`${left} Jobs are left in the cluster`] },
    { name: "agents exit only after a signal, in time and with 0", violations: agents.problems },
    {
      name: "memory does not grow",
      violations: agents.memory.grew ? [`it grew: ${agents.memory.toString()}`] : [],
    },
  ];
}

function resultOf(prefect: FakePrefect1, id: string, jobs: number): RunResult {
  const name = prefect.flowRun(id)?.name ?? "";
  return {
    name,
    id,
    expected: outcomeNamed(name).state,
    states: prefect.statesOf(id),
    jobs,
    messages: prefect.logsOf(id).map(({ message }) => message ?? ""),
  };
}

function repeated(messages: readonly string[]): string[] {
  return [...new Set(messages.filter((message, at) => messages.indexOf(message) !== at))];
}
