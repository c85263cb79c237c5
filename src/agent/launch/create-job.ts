// launch: one claimed submission becomes one Job. Creating it twice is impossible: its name is derived from the claim.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import { retry } from "../../base/backoff.ts";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { buildJob } from "../../job/build.ts";
import { otherIdentifier } from "../../job/identifier.ts";
import { FLOW_RUN_LABEL } from "../../job/labels.ts";
import type { JobManifest } from "../../job/manifest.ts";
import { templateSourceOf } from "../../job/template.ts";
import type { FlowRun } from "../../prefect/flow-run.ts";

/** A submission whose claim Prefect has accepted. */
export interface Due {
  readonly flowRun: FlowRun;
  readonly identifier: string;
  readonly signal: AbortSignal;
}

const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/** Eight hex digits can meet another run's Job; a third meeting in a row is beyond belief. */
const NAMES = 3;

/** The Job's name. Throws JobError or KubeError when there can be none; rides out what passes. */
export async function createJob(deps: AgentDeps, settings: AgentSettings, due: Due): Promise<string> {
  const riding = {
    clock: deps.clock,
    signal: due.signal,
    shape: BACKOFF,
    onRetry: (error: unknown) =>
      deps.log.debug("Could not create a Job, trying again", { error: textOf(error) }),
  };
  const source = templateSourceOf(due.flowRun, settings.template);
  const template = await retry(() => deps.loadTemplate(source), { ...riding, attempts: 5 });
  let identifier = due.identifier;
  for (let tries = 0; tries < NAMES; tries++) {
    const job = buildJob(due.flowRun, settings.job, template, identifier);
    const outcome = await retry(() => createOnce(deps, job, settings.namespace), riding);
    if (outcome === "ours") return job.metadata.name;
    identifier = otherIdentifier(identifier, due.flowRun.id);
  }
  throw new ExpectedError(
    `cannot create the Job of flow run "${due.flowRun.id}": its names are taken by others`,
  );
}

/** A Job of that name counts as ours only when it says so itself. */
async function createOnce(deps: AgentDeps, job: JobManifest, namespace: string): Promise<"ours" | "foreign"> {
  const outcome = await deps.kube.create("jobs", job, { namespace });
  if (outcome === "created") return "ours";
  const found = await deps.kube.get("jobs", { namespace, name: job.metadata.name });
  // Gone between the two calls: it was made, and whoever removed it had his reason.
  const owner =
    found === undefined ? job.metadata.labels[FLOW_RUN_LABEL] : found.metadata.labels?.[FLOW_RUN_LABEL];
  return owner === job.metadata.labels[FLOW_RUN_LABEL] ? "ours" : "foreign";
}
