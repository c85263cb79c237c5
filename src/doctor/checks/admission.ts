// Admission: whether the cluster accepts the Job of a flow run and its pod, by server-side dry runs.

import { attempt, type Answer } from "../../base/attempt.ts";
import type { JsonObject } from "../../base/json.ts";
import { oneLine } from "../../job/observe/problem.ts";
import { isRefusal } from "../../kube/client/errors.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import { sampleJob } from "../../prefect1/build/build.ts";
import { causeOf, reported } from "../answer.ts";
import { checkOf, type Finding } from "../finding.ts";

const { check, ok, skipped, warning } = checkOf({ section: "kubernetes", check: "admission" });

export const admission = check(async ({ kubernetes, target, template, signal }) => {
  const { kube, namespace, agents, settings } = await kubernetes.cluster();
  const [of] = settings;
  if (of === undefined) return [];
  if (target.templatePath === undefined && agents.some(({ hasTemplate }) => hasTemplate)) {
    const hint = "name the template with --job-template";
    return [skipped("the agent makes its Jobs from a template that only its pod has", { hint })];
  }
  const job = sampleJob(await reported(template()), { ...of, namespace });
  const request = { namespace, dryRun: true, signal };
  const ofJob = await attempt(() => kube.create("jobs", job, request));
  if (!ofJob.ok) return admissionFindings(ofJob, "Job");
  return admissionFindings(await attempt(() => kube.create("pods", podOf(job), request)), "pod");
});

/** The pod that the Job controller would make of it: policies are often about pods alone. */
export function podOf(job: JobManifest): JsonObject {
  const { metadata, spec } = job.spec.template;
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "prefect-doctor" }, spec };
}

/** The result of the dry run. Other checks report a used-up quota and a missing ServiceAccount. */
export function admissionFindings(dryRun: Answer<unknown>, what: "Job" | "pod"): readonly Finding[] {
  if (dryRun.ok) return [ok(`the cluster accepts the ${what} of a flow run (dry run)`)];
  const { error } = dryRun;
  const cause = oneLine(causeOf(error));
  if (/exceeded quota|error looking up service account|namespaces? "[^"]*" not found/i.test(cause)) return [];
  if (!isRefusal(error) || /cannot create resource|dry run/.test(cause))
    return [skipped(`a dry run is not possible: ${cause}`)];
  const reason = cause.replace(/^[\w.]+ "[^"]*" is (?:forbidden|invalid): /i, "");
  const hint = "use a job template that the cluster accepts, with --job-template or in each run config";
  return [warning(`the cluster refuses the ${what} of a flow run: ${reason}`, { hint })];
}
