// Jobs whose pods do not start, or wait too long; those with the same reason are one finding.

import { formatDuration } from "../../base/duration.ts";
import { jobRows, type JobRow } from "../../inventory/job-row.ts";
import { isDone } from "../../orchestrator/flow-run.ts";
import { checkOf, counted, firstOf, kubectl, type Finding } from "../finding.ts";

const { check, broken, ok, skipped, warning } = checkOf({ section: "flow runs", check: "pods" });
/** How long a pod may take to start. */
const GRACE_MS = 60_000;

export const stuckPods = check(async ({ inventory, now }) => {
  const { runs, forbidden } = await inventory();
  // Without permission to list pods, every Job would seem to have none.
  const hidden = (["jobs", "pods"] as const).filter((each) => forbidden?.has(each));
  if (hidden.length > 0) return [skipped(`no permission to list ${hidden.join(", ")}`)];
  return stuckFindings(jobRows(runs, now()), now());
});

/** One finding for each reason; an ok finding if there is none. */
export function stuckFindings(rows: readonly JobRow[], now: Date): readonly Finding[] {
  const age = ({ job: { job, pods } }: Pick<JobRow, "job">): number =>
    now.getTime() - Date.parse((pods.at(-1) ?? job).metadata.creationTimestamp);
  // The Jobs of runs that are over are leftovers.
  const waiting = rows.filter(
    ({ run, job, decision: { status } }) =>
      (status === "stuck" || status === "pending") && !isDone(run.status) && age({ job }) > GRACE_MS,
  );
  if (waiting.length === 0) return [ok(`${counted(rows.length, "Job")} of flow runs, none stuck`)];
  const groups = Map.groupBy(waiting, ({ decision }) => withoutPodNames(decision.reason));
  return [...groups].map(([reason, group]) => {
    const report = group.some(({ decision }) => decision.status === "stuck") ? broken : warning;
    const longest = formatDuration(Math.max(...group.map(age)));
    return report(`${counted(group.length, "Job")} waiting for ${longest}: ${reason}`, {
      details: [firstOf(group.map(({ run, job }) => run.name ?? job.job.metadata.name))],
      hint: "see what it waits for",
      look: kubectl(`prefect inspect ${group[0]?.run.flowRunId}`, group[0]?.run.namespace),
    });
  });
}

/** Without what differs between pods with the same problem: their names, and the kubelet's back-off reasons. */
function withoutPodNames(reason: string): string {
  const nameless = reason.replace(/^pod '[^']*'/, "its pod").replace(/^Job '[^']*'/, "it");
  return nameless.replace(/( cannot be pulled) \(.*\)$/s, "$1");
}
