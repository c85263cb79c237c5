// Stalled flow runs: claimed, but without a Job; or without a heartbeat, so that Lazarus will restart them.

import type { StalledRun } from "../../prefect1/doctor-queries.ts";
import { durationSince } from "./agents.ts";
import type { Answer } from "../answer.ts";
import { failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

const SECTION = "flow runs";
/** At most this many are read. */
export const STALLED_RUNS_LIMIT = 500;
/** After this time without a heartbeat Lazarus restarts a run (prefect-1 protocol 10.5). */
export const STALE_AFTER_MS = 600_000;
/** Lazarus runs every ten minutes: after this time it has missed the run. */
const MISSED_AFTER_MS = 1_500_000;
/** A claim becomes a Job within seconds. */
const NO_JOB_AFTER_MS = 60_000;
const MAX_RESURRECTIONS = 3;

/** The cluster and namespace, and the runs that have a Job there. */
export interface JobsHere {
  readonly scope: string;
  readonly withJobs: ReadonlySet<string>;
}

/** Findings about claims without a Job and about missing heartbeats. `here`: undefined if Jobs could not be listed; `now`: by the API's clock. */
export function stalledRunFindings(
  runs: Answer<readonly StalledRun[]>,
  { here, now }: { readonly here: JobsHere | undefined; readonly now: Date },
): readonly Finding[] {
  if (!runs.ok) return [failedRequestFinding({ section: SECTION, check: "heartbeats" }, runs.error)];
  const withoutJob = runs.value.filter((run) => lacksJob(run, here, now));
  const stale = runs.value.filter(
    (run) => !withoutJob.includes(run) && heartbeatAgeMs(run, now) > STALE_AFTER_MS,
  );
  const findings = [...withoutJobFinding(withoutJob, now), ...staleFindings(stale, now)];
  if (findings.length > 0) return findings;
  const count = runs.value.length;
  const message = `no stalled flow run${count === 0 ? "" : `; ${count} just Submitted`}`;
  return [{ section: SECTION, check: "heartbeats", status: "ok", message }];
}

/** Whether an agent has claimed the run for this cluster and namespace some time ago, and it still has no Job. */
function lacksJob({ id, scope, stateAt, state }: StalledRun, here: JobsHere | undefined, now: Date): boolean {
  if (here === undefined || state !== "Submitted" || scope !== here.scope || here.withJobs.has(id))
    return false;
  return stateAt !== undefined && now.getTime() - stateAt.getTime() > NO_JOB_AFTER_MS;
}

/** Prefect's services ignore runs that never had a heartbeat. */
function heartbeatAgeMs({ heartbeatAt }: StalledRun, now: Date): number {
  return heartbeatAt === undefined ? 0 : now.getTime() - heartbeatAt.getTime();
}

function withoutJobFinding(runs: readonly StalledRun[], now: Date): readonly Finding[] {
  const [first] = runs;
  if (first === undefined) return [];
  const waited = first.stateAt === undefined ? "" : ` for ${longest(runs, ({ stateAt }) => stateAt, now)}`;
  const [has, have] = runs.length === 1 ? ["has been", "has"] : ["have been", "have"];
  return [
    {
      section: SECTION,
      check: "claims without a Job",
      status: "broken",
      message: `${counted(runs.length, "flow run")} ${has} Submitted${waited}, but ${have} no Job in this namespace`,
      hint: "restart the agent: it creates missing Jobs within seconds; if it cannot, its log says why",
      ...namesOf(runs),
    },
  ];
}

function staleFindings(stale: readonly StalledRun[], now: Date): readonly Finding[] {
  const heartbeat = ({ heartbeatAt }: StalledRun): Date | undefined => heartbeatAt;
  const ignored = stale.filter((run) => !run.lazarusEnabled);
  const rest = stale.filter((run) => run.lazarusEnabled);
  const last = rest.filter((run) => run.timesResurrected >= MAX_RESURRECTIONS);
  const missed = rest.filter((run) => !last.includes(run) && heartbeatAgeMs(run, now) > MISSED_AFTER_MS);
  const soon = rest.filter((run) => !last.includes(run) && !missed.includes(run));
  const about = { section: SECTION, check: "heartbeats", status: "warning" } as const;
  const finding = (
    runs: readonly StalledRun[],
    message: (silent: string) => string,
    hint: string,
  ): readonly Finding[] => {
    if (runs.length === 0) return [];
    const silent = `${counted(runs.length, "flow run")} without a heartbeat for ${longest(runs, heartbeat, now)}`;
    return [{ ...about, message: message(silent), hint, ...namesOf(runs) }];
  };
  const cancel = "cancel them: kubectl prefect cancel RUN; then start them again in Prefect";
  return [
    ...finding(
      ignored,
      (silent) =>
        `${silent}; heartbeats or Lazarus are disabled for their flows, so nothing will restart them`,
      cancel,
    ),
    ...finding(
      last,
      (silent) => `${silent}; Lazarus has restarted them ${MAX_RESURRECTIONS} times and will fail them now`,
      "see why their Jobs fail: kubectl prefect inspect RUN",
    ),
    ...finding(
      missed,
      (silent) => `${silent}; Lazarus runs every 10 minutes, but has not restarted them`,
      "check that Prefect's own services run (the serverServices container of a server), or cancel them: kubectl prefect cancel RUN",
    ),
    ...finding(
      soon,
      (silent) => `${silent}; Lazarus will restart them within 10 minutes`,
      "check whether their Jobs still run: kubectl prefect inspect RUN",
    ),
  ];
}

function longest(runs: readonly StalledRun[], at: (run: StalledRun) => Date | undefined, now: Date): string {
  const timesMs = runs.flatMap((run) => at(run)?.getTime() ?? []);
  return `${timesMs.length > 1 ? "up to " : ""}${durationSince(new Date(Math.min(...timesMs)), now)}`;
}

function namesOf(runs: readonly StalledRun[]): Pick<Finding, "details" | "data"> {
  return {
    details: [firstOf(runs.map(({ name, state }) => `${name} (${state})`))],
    data: { flowRuns: runs.map(({ id, name, state }) => ({ id, name, state })) },
  };
}
