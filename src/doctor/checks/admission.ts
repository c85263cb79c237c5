// Job template and admission: whether Jobs can be made of the agent's template, and whether the cluster's policies accept
// the pod of such a Job. That is tried as a dry run: the server decides as for a real one, and stores nothing.

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

const NOBODYS_ID = "00000000-0000-4000-8000-000000000000";
/** A flow run that message nothing of its own: the template and the agent's options decide all. */
const FLOW_RUN: FlowRun = {
  id: NOBODYS_ID,
  name: "doctor",
  version: 1,
  state: "Scheduled",
  serialized_state: { type: "Scheduled" },
  run_config: null,
  flow: { id: NOBODYS_ID, name: "doctor", core_version: "1.4.1", storage: { type: "Local" } },
  task_runs: [],
};

/** The pod that such a run's Job would make, without the API key. Throws JobError when there can be no Job. */
export function samplePod(template: Template, settings: JobSettings): JsonObject {
  const job = buildJob(FLOW_RUN, { ...settings, apiKey: undefined, env: {} }, template, "00000000");
  const { metadata, spec } = job.spec.template;
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "prefect-doctor" }, spec };
}

/** The template of --job-template, where it is given. */
export function templateFindings(path: string | undefined, template: Answer<Template>): readonly Finding[] {
  if (path === undefined) return [];
  const about = { section: "configuration", check: "job template" } as const;
  if (template.ok) return [{ ...about, status: "ok", message: `${template.value.origin.name} can be used` }];
  const { message, hint = "see what becomes of it with: kubectl prefect render -f RUN.json" } =
    template.error;
  return [{ ...about, status: "broken", message, hint }];
}

/** What the dry run came to. A quota that is used up and a missing ServiceAccount are told elsewhere. */
export function admissionFindings(tried: Answer<unknown>): readonly Finding[] {
  const about = { section: "kubernetes", check: "admission" } as const;
  if (tried.ok)
    return [{ ...about, status: "ok", message: "the pod of a plain flow run is accepted (dry run)" }];
  const { error } = tried;
  const cause = oneLine(causeOf(error));
  if (isForbidden(error) && cause.includes("cannot create resource")) {
    return [{ ...about, status: "skipped", message: "not allowed to try a pod (create pods)" }];
  }
  if (/exceeded quota|error looking up service account|namespaces? "[^"]*" not found/i.test(cause)) return [];
  const isRefusal =
    error instanceof KubeError && (error.status === 403 || error.status === 422 || error.status === 400);
  if (!isRefusal || cause.includes("dry run"))
    return [{ ...about, status: "skipped", message: `cannot be tried: ${cause}` }];
  return [
    {
      ...about,
      status: "warning",
      message: `the pod of a plain flow run is refused: ${cause.replace(/^pods? "prefect-doctor" is forbidden: /, "")}`,
      hint: "give the agent a job template that is accepted (--job-template), or each run config one of its own",
    },
  ];
}
