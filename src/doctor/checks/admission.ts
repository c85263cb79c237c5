// Admission: whether the cluster's policies accept the pod of a flow run, by a server-side dry run.

import { attempt, type Answer } from "../../base/attempt.ts";
import type { JsonObject } from "../../base/json.ts";
import { oneLine } from "../../job/observe/problem.ts";
import { KubeError } from "../../kube/client/errors.ts";
import { sampleJob } from "../../prefect1/build/build.ts";
import type { JobSettings } from "../../prefect1/build/job-settings.ts";
import type { Template } from "../../prefect1/build/template.ts";
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
  const pod = samplePod(await reported(template()), { ...of, namespace });
  const request = { namespace, dryRun: true, signal };
  return admissionFindings(await attempt(() => kube.create("pods", pod, request)));
});

/** The pod of a sample run's Job. Throws JobError if no Job can be built. */
export function samplePod(template: Template, settings: JobSettings): JsonObject {
  const { metadata, spec } = sampleJob(template, settings).spec.template;
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "prefect-doctor" }, spec };
}

/** The result of the dry run. Other checks report a used-up quota and a missing ServiceAccount. */
export function admissionFindings(dryRun: Answer<unknown>): readonly Finding[] {
  if (dryRun.ok) return [ok("the cluster accepts the pod of a flow run (dry run)")];
  const { error } = dryRun;
  const cause = oneLine(causeOf(error));
  if (/exceeded quota|error looking up service account|namespaces? "[^"]*" not found/i.test(cause)) return [];
  const isRefusal =
    error instanceof KubeError &&
    [400, 403, 422].includes(error.status) &&
    !/cannot create resource|dry run/.test(cause);
  if (!isRefusal) return [skipped(`a dry run is not possible: ${cause}`)];
  const reason = cause.replace(/^pods? "prefect-doctor" is forbidden: /, "");
  const hint = "use a job template that the cluster accepts, with --job-template or in each run config";
  return [warning(`the cluster refuses the pod of a flow run: ${reason}`, { hint })];
}
