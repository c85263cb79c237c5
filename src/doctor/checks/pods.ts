// Pods of flow runs that do not start, or wait too long; Jobs with the same problem are one finding.

import { DEFAULT_POLICY } from "../../job/decide/policy.ts";
import { isFinished } from "../../orchestrator/flow-run.ts";
import type { Inventory, InventoryRun } from "../../inventory/inventory.ts";
import type { ObservedJob } from "../../job/observe/observed.ts";
import { jobPhase } from "../../job/observe/phase.ts";
import type { Problem } from "../../job/observe/problem.ts";
import { durationSince } from "./agents.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

const SECTION = "flow runs";
const MAX_GROUPS = 12;

interface StuckJob {
  readonly run: InventoryRun;
  readonly job: ObservedJob;
  readonly problem: Problem;
  readonly kind: "stuck" | "pending";
  readonly since: Date;
}

/** One finding for each kind of problem, the most frequent first; an ok finding if there is none. */
export function podFindings(inventory: Inventory, now: Date): readonly Finding[] {
  const about = { section: SECTION, check: "pods" } as const;
  // Without permission to list pods, every Job would seem to have none.
  const forbidden = ["jobs", "pods"].filter((each) =>
    inventory.forbidden?.some((resource) => resource === each),
  );
  if (forbidden.length > 0)
    return [{ ...about, status: "skipped", message: `no permission to list ${forbidden.join(", ")}` }];
  const jobs = inventory.runs.flatMap((run) => stuckJobs(run, now));
  const groups = [
    ...Map.groupBy(jobs, ({ problem }) => `${problem.reason}\n${withoutPodNames(problem)}`).values(),
  ];
  const sorted = groups.toSorted((left, right) => right.length - left.length);
  const findings = sorted.slice(0, MAX_GROUPS).map((group) => groupFinding(group, now));
  const rest = sorted.slice(MAX_GROUPS).flat().length;
  const more: Finding = {
    ...about,
    status: "warning",
    message: `${counted(rest, "Job")} with other problems`,
    hint: "see the reasons: kubectl prefect jobs -o wide",
  };
  if (findings.length > 0) return [...findings, ...(rest === 0 ? [] : [more])];
  const count = inventory.runs.reduce((sum, { observed }) => sum + observed.jobs.length, 0);
  const message = count === 0 ? "no Jobs of flow runs here" : `${counted(count, "Job")}, none stuck`;
  return [{ ...about, status: "ok", message }];
}

/** Stuck Jobs of runs that are not over; those of finished runs are leftovers. */
function stuckJobs(run: InventoryRun, now: Date): readonly StuckJob[] {
  if (run.status.kind === "missing" || (run.status.kind === "known" && isFinished(run.status.state.type)))
    return [];
  return run.observed.jobs.flatMap((job): readonly StuckJob[] => {
    const phase = jobPhase(job);
    if (phase.kind !== "stuck" && phase.kind !== "pending") return [];
    const createdAt = new Date((job.pods.at(-1) ?? job.job).metadata.creationTimestamp);
    const { startGraceMs, pendingWarnMs } = DEFAULT_POLICY;
    const graceMs = phase.kind === "pending" ? pendingWarnMs : startGraceMs;
    const hasGrace = phase.kind === "pending" || !phase.isPermanent;
    if (hasGrace && now.getTime() - createdAt.getTime() < graceMs) return [];
    return [{ run, job, problem: phase.problem, kind: phase.kind, since: createdAt }];
  });
}

function groupFinding(group: readonly StuckJob[], now: Date): Finding {
  const [first] = group;
  const oldest = new Date(Math.min(...group.map((each) => each.since.getTime())));
  const problem = first?.problem;
  const waiting =
    group.length > 1
      ? `${group.length} Jobs have waited up to`
      : `Job "${first?.job.job.metadata.name ?? ""}" has waited`;
  const message = `${waiting} ${durationSince(oldest, now)}: ${problem === undefined ? "" : withoutPodNames(problem)}`;
  return {
    section: SECTION,
    check: "pods",
    status: group.some(({ kind }) => kind === "stuck") ? "broken" : "warning",
    message,
    hint: problem?.hint ?? "see what it waits for: kubectl prefect inspect RUN",
    details: [firstOf(group.map(({ run, job }) => run.name ?? job.job.metadata.name))],
    data: {
      reason: problem?.reason,
      jobs: group.map(({ job, problem: { message: each } }) => ({
        namespace: job.job.metadata.namespace,
        name: job.job.metadata.name,
        problem: each,
      })),
    },
  };
}

/** The problem's message without what differs between pods: their names, and the kubelet's back-off reasons. */
function withoutPodNames({ reason, message }: Problem): string {
  const nameless = message.replace(/^(pod|Job) '[^']*'/, (_, what: string) =>
    what === "pod" ? "its pod" : "it",
  );
  return reason === "ImagePull"
    ? nameless.replace(/ \((?:ErrImagePull|ImagePullBackOff).*\)$/s, "")
    : nameless;
}
