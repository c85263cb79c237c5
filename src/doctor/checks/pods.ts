// Pods of flow runs that do not start, or wait too long: the agent's own phase on each Job, alike ones in one finding.

import { DEFAULT_POLICY } from "../../job/decide/policy.ts";
import { isFinished } from "../../orchestrator/flow-run.ts";
import type { Inventory, InventoryRun } from "../../inventory/inventory.ts";
import type { ObservedJob } from "../../job/observe/observed.ts";
import { jobPhase } from "../../job/observe/phase.ts";
import type { Problem } from "../../job/observe/problem.ts";
import { since } from "./agents.ts";
import type { Finding } from "../finding.ts";
import { counted, firstOf } from "../finding.ts";

const SECTION = "flow runs";
const GROUPS = 12;

interface Case {
  readonly run: InventoryRun;
  readonly print: ObservedJob;
  readonly problem: Problem;
  readonly kind: "stuck" | "pending";
  readonly since: Date;
}

/** One finding for each kind of problem, the most frequent first; one that all is well where there is none. */
export function podFindings(inventory: Inventory, now: Date): readonly Finding[] {
  const about = { section: SECTION, check: "pods" } as const;
  // Without pods every Job would seem to wait for one.
  const hidden = ["jobs", "pods"].filter((each) =>
    inventory.forbidden?.some((resource) => resource === each),
  );
  if (hidden.length > 0)
    return [{ ...about, status: "skipped", message: `not allowed to list ${hidden.join(", ")}` }];
  const cases = inventory.runs.flatMap((run) => casesOf(run, now));
  const groups = [
    ...Map.groupBy(cases, ({ problem }) => `${problem.reason}\n${generalised(problem)}`).values(),
  ];
  const sorted = groups.toSorted((left, right) => right.length - left.length);
  const findings = sorted.slice(0, GROUPS).map((group) => groupFinding(group, now));
  const rest = sorted.slice(GROUPS).flat().length;
  const more: Finding = {
    ...about,
    status: "warning",
    message: `${counted(rest, "Job")} in other problem`,
    hint: "see: kubectl prefect jobs -o wide",
  };
  if (findings.length > 0) return [...findings, ...(rest === 0 ? [] : [more])];
  const jobs = inventory.runs.reduce((sum, { observed }) => sum + observed.jobs.length, 0);
  const message =
    jobs === 0 ? "no Jobs of flow runs here" : `${counted(jobs, "Job")}, none that cannot start`;
  return [{ ...about, status: "ok", message }];
}

/** Jobs of runs that are not over; what those leave behind is another finding's. */
function casesOf(run: InventoryRun, now: Date): readonly Case[] {
  if (run.status.kind === "missing" || (run.status.kind === "known" && isFinished(run.status.state.type)))
    return [];
  return run.observed.jobs.flatMap((print): readonly Case[] => {
    const phase = jobPhase(print);
    if (phase.kind !== "stuck" && phase.kind !== "pending") return [];
    const begun = new Date((print.pods.at(-1) ?? print.job).metadata.creationTimestamp);
    const { startGraceMs, pendingWarnMs } = DEFAULT_POLICY;
    const graceMs = phase.kind === "pending" ? pendingWarnMs : startGraceMs;
    const isPatient = phase.kind === "pending" || !phase.atOnce;
    if (isPatient && now.getTime() - begun.getTime() < graceMs) return [];
    return [{ run, print, problem: phase.problem, kind: phase.kind, since: begun }];
  });
}

function groupFinding(group: readonly Case[], now: Date): Finding {
  const [first] = group;
  const oldest = new Date(Math.min(...group.map((each) => each.since.getTime())));
  const problem = first?.problem;
  const many = group.length > 1;
  const whose = many ? `${group.length} Jobs` : `Job "${first?.print.job.metadata.name ?? ""}"`;
  const lasting = `${many ? "up to " : ""}${since(oldest, now)}`;
  const message = `${whose}, for ${lasting}: ${problem === undefined ? "" : generalised(problem)}`;
  return {
    section: SECTION,
    check: "pods",
    status: group.some(({ kind }) => kind === "stuck") ? "broken" : "warning",
    message,
    hint: problem?.hint ?? "see what it waits for: kubectl prefect inspect RUN",
    details: [firstOf(group.map(({ run, print }) => run.name ?? print.job.metadata.name))],
    data: {
      reason: problem?.reason,
      jobs: group.map(({ print }) => ({
        namespace: print.job.metadata.namespace,
        name: print.job.metadata.name,
        problem: outlookSummary(print),
      })),
    },
  };
}

function outlookSummary(print: ObservedJob): string | undefined {
  const phase = jobPhase(print);
  return "problem" in phase ? phase.problem.message : undefined;
}

/** The summary without what differs between pods in the same problem: their names, and the kubelet's back-off words. */
function generalised({ reason: code, message: summary }: Problem): string {
  const nameless = summary.replace(/^(pod|Job) '[^']*'/, (_, what: string) =>
    what === "pod" ? "its pod" : "it",
  );
  return code === "ImagePull" ? nameless.replace(/ \((?:ErrImagePull|ImagePullBackOff).*\)$/s, "") : nameless;
}
