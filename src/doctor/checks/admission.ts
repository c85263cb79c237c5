// Job template and admission: whether the agent's template is valid, and whether the cluster's policies accept the pod of
// such a Job, by a server-side dry run.

import type { JsonObject } from "../../base/json.ts";
import { buildJob } from "../../prefect1/build/build.ts";
import type { JobSettings } from "../../prefect1/build/job-settings.ts";
import type { Template } from "../../prefect1/build/template.ts";
import { oneLine } from "../../job/observe/problem.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { FlowRun } from "../../prefect1/flow-run.ts";
import type { Answer } from "../answer.ts";
import { causeOf, isForbidden } from "../answer.ts";
import type { Finding } from "../finding.ts";

const SAMPLE_ID = "00000000-0000-4000-8000-000000000000";
/** A flow run without a run config: only the template and the agent's options matter. */
const FLOW_RUN: FlowRun = {
  id: SAMPLE_ID,
  name: "doctor",
  version: 1,
  state: "Scheduled",
  serialized_state: { type: "Scheduled" },
  run_config: null,
  flow: { id: SAMPLE_ID, name: "doctor", core_version: "1.4.1", storage: { type: "Local" } },
  task_runs: [],
};

/** The pod of such a run's Job, without the API key. Throws JobError if no Job can be built. */
export function samplePod(template: Template, settings: JobSettings): JsonObject {
  const job = buildJob(FLOW_RUN, { ...settings, apiKey: undefined, env: {} }, template, "00000000");
  const { metadata, spec } = job.spec.template;
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "prefect-doctor" }, spec };
}

/** Whether the template of --job-template is valid; nothing without the option. */
export function templateFindings(path: string | undefined, template: Answer<Template>): readonly Finding[] {
  if (path === undefined) return [];
  const about = { section: "configuration", check: "job template" } as const;
  if (template.ok) return [{ ...about, status: "ok", message: `${template.value.origin.name} is valid` }];
  const { message, hint = "see the Job that it gives: kubectl prefect render -f RUN.json" } = template.error;
  return [{ ...about, status: "broken", message, hint }];
}

/** The result of the dry run. Other checks report a used-up quota and a missing ServiceAccount. */
export function admissionFindings(dryRun: Answer<unknown>): readonly Finding[] {
  const about = { section: "kubernetes", check: "admission" } as const;
  if (dryRun.ok)
    return [{ ...about, status: "ok", message: "the cluster accepts the pod of a flow run (dry run)" }];
  const { error } = dryRun;
  const cause = oneLine(causeOf(error));
  if (isForbidden(error) && cause.includes("cannot create resource")) {
    return [
      { ...about, status: "skipped", message: "no permission to create pods, so a dry run is not possible" },
    ];
  }
  if (/exceeded quota|error looking up service account|namespaces? "[^"]*" not found/i.test(cause)) return [];
  const isRefusal =
    error instanceof KubeError && (error.status === 403 || error.status === 422 || error.status === 400);
  if (!isRefusal || cause.includes("dry run"))
    return [{ ...about, status: "skipped", message: `a dry run is not possible: ${cause}` }];
  return [
    {
      ...about,
      status: "warning",
      message: `the cluster refuses the pod of a flow run: ${cause.replace(/^pods? "prefect-doctor" is forbidden: /, "")}`,
      hint: "start the agent with a job template that the cluster accepts (--job-template), or set one in each run config",
    },
  ];
}
