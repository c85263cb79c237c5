// Stalled flow runs: claimed, but without a Job; or without heartbeats, and nothing restarts them.

import { attempt } from "../../base/attempt.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import type { StalledRun } from "../../prefect1/doctor-queries.ts";
import { checkOf, counted, firstOf, kubectl, type More } from "../finding.ts";

const { check, broken, ok, warning } = checkOf({ section: "flow runs", check: "stalled flow runs" });
/** After this time without a heartbeat Lazarus restarts a run (prefect-1 protocol 10.5). */
const SILENT_AFTER_MS = 600_000;
/** Lazarus runs every ten minutes: after this time it has missed the run. */
const MISSED_AFTER_MS = 1_500_000;
const MAX_RESURRECTIONS = 3;
/** A claim becomes a Job within seconds. */
const NO_JOB_AFTER_MS = 60_000;

const ENDED_OR_NOT =
  "read the run's log: its Job may have ended; if it tells of none, the agent's log says why it creates none";

export const stalledRuns = check(async ({ prefect1, kubernetes, inventory, signal }) => {
  const queries = await prefect1.queries();
  const now = prefect1.clock.now();
  const [runs, cluster, found] = await Promise.all([
    queries.stalledRuns(new Date(now.getTime() - SILENT_AFTER_MS), signal),
    attempt(kubernetes.cluster),
    attempt(inventory),
  ]);
  const areJobsKnown = found.ok && found.value.forbidden?.has("jobs") !== true;
  const withJobs = found.value?.runs.filter(({ observed }) => observed.jobs.length > 0) ?? [];
  const isWithoutJob = ({ id, state, place, stateAt }: StalledRun): boolean =>
    areJobsKnown &&
    state === "Submitted" &&
    place !== undefined &&
    cluster.ok &&
    comparePlaces(place, cluster.value.place) !== "other" &&
    now.getTime() - (stateAt ?? now).getTime() > NO_JOB_AFTER_MS &&
    !withJobs.some(({ flowRunId }) => flowRunId === id);
  const jobless = runs.filter(isWithoutJob);
  const silent = runs.filter((run) => !isWithoutJob(run) && isAbandoned(run, now));
  const more = (some: readonly StalledRun[], command: string, hint: string): More => ({
    details: [firstOf(some.map(({ name, state }) => `${name} (${state})`))],
    hint,
    look: kubectl(`prefect ${command} ${some[0]?.id}`, cluster.value?.namespace),
  });
  const noJob = `${counted(jobless.length, "flow run")} claimed for this namespace, but without a Job`;
  const noHeartbeat = `${counted(silent.length, "flow run")} without heartbeats, which Prefect does not restart`;
  const findings = [
    broken(noJob, more(jobless, "logs", ENDED_OR_NOT)),
    warning(noHeartbeat, more(silent, "inspect", "if it no longer runs, cancel it and start it again")),
  ].filter((_, at) => [jobless, silent][at]?.length !== 0);
  return findings.length > 0 ? findings : [ok("none")];
});

/** Whether neither the flow nor Lazarus will go on with the run. Prefect's services ignore those that never had a heartbeat. */
export function isAbandoned(run: StalledRun, now: Date): boolean {
  if (run.heartbeatAt === undefined) return false;
  const isRestartable = run.lazarusEnabled && run.timesResurrected < MAX_RESURRECTIONS;
  return now.getTime() - run.heartbeatAt.getTime() > (isRestartable ? MISSED_AFTER_MS : SILENT_AFTER_MS);
}
