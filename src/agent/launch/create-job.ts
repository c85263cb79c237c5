// Creates the Job of a claimed submission, never twice: its name is derived from the claim, and before a retry, or after a
// wait, the claim is checked, since the Job may have been created despite an error and have finished already.

import { ExpectedError } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, isAgentJob } from "../../job/labels.ts";
import { isJobFinished } from "../../job/observe/phase.ts";
import { ownerOf } from "../../job/owner.ts";
import { listAll } from "../../kube/client/api.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import type { Submission } from "../../orchestrator/work-source.ts";
import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import { createFailure, isTooLarge, MAX_JOB_BYTES, type CreateFailure } from "./create-failure.ts";

/**
 * `ours`: created by this process; `theirs`: by another one for the same claim; `not-needed`: the claim no longer holds;
 * `refused`: the API server did not take it.
 */
export type Creation =
  | { readonly outcome: "ours" | "theirs"; readonly name: string }
  | { readonly outcome: "not-needed" }
  | { readonly outcome: "refused"; readonly failure: CreateFailure; readonly error: Error };

export interface DueSubmission {
  readonly submission: Submission;
  /** Whether the claim still holds in Prefect. */
  readonly isCurrent: () => Promise<boolean>;
  /** Whether the claim must be checked first: this is a retry, or the claim is not fresh any more. */
  readonly mustCheck: boolean;
}

type CreateDeps = Pick<AgentDeps, "kube" | "clock"> & {
  readonly settings: Pick<AgentSettings, "namespace" | "process">;
};

/** Another process takes a claim over after ten seconds; a request that took so long may have come too late. */
const LATE_MS = 5_000;

/** Creates the Job, by one request. Throws what building it throws, and KubeError when it cannot be read. */
export async function createJob(deps: CreateDeps, due: DueSubmission): Promise<Creation> {
  const { submission, isCurrent, mustCheck } = due;
  for (const identifier of submission.identifiers) {
    const job = await submission.build(identifier);
    const isNeeded = !mustCheck || (await isCurrent());
    const outcome = isNeeded ? await create(deps, job, due) : await existingJob(deps, job);
    if (typeof outcome === "object") return outcome;
    if (outcome === "ours" || outcome === "theirs") return { outcome, name: job.metadata.name };
    if (outcome === "superseded" || !isNeeded) return { outcome: "not-needed" };
  }
  throw new ExpectedError(
    `cannot create the Job of flow run "${submission.flowRunId}": its names are taken by other runs' Jobs`,
  );
}

type Outcome = "ours" | "theirs" | "foreign" | "superseded" | (Creation & { readonly outcome: "refused" });

async function create(deps: CreateDeps, job: JobManifest, due: DueSubmission): Promise<Outcome> {
  const { kube, clock, settings } = deps;
  const sentAt = clock.ticks();
  try {
    const outcome = await kube.create("jobs", job, { namespace: settings.namespace });
    if (outcome === "exists") return (await existingJob(deps, job)) ?? taken(job);
    const isLate = clock.ticks() - sentAt > LATE_MS;
    if (!isLate || (await due.isCurrent()) || !(await hasOther(deps, job))) return "ours";
    return await undo(deps, job);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const bytes = Buffer.byteLength(JSON.stringify(job));
    const failure = createFailure(error, bytes);
    const isSize = failure === "run" && isTooLarge({ error, text: error.detail, bytes });
    return { outcome: "refused", failure, error: isSize ? tooLarge(job, bytes) : error };
  }
}

/** Created and deleted meanwhile: whether it is still needed is checked before the next try. */
function taken(job: JobManifest): Outcome {
  const message = `cannot create Job "${job.metadata.name}": Kubernetes reports a conflict, but no such Job exists`;
  return { outcome: "refused", failure: "passing", error: new ExpectedError(message, { retryable: true }) };
}

/** Whether another Job works on the run. If none does, this one may have set the run's state itself. */
async function hasOther({ kube, settings }: CreateDeps, { metadata }: JobManifest): Promise<boolean> {
  const { namespace } = settings;
  const labelSelector = `${FLOW_RUN_LABEL}=${String(metadata.labels[FLOW_RUN_LABEL])}`;
  for await (const job of listAll(kube, "jobs", { namespace, labelSelector })) {
    const { name, deletionTimestamp } = job.metadata;
    const isLive = !isJobFinished(job) && deletionTimestamp === undefined;
    if (isLive && isAgentJob(job.metadata) && name !== metadata.name) return true;
  }
  return false;
}

/** The request took so long that another process has claimed the run meanwhile: one Job is enough. */
async function undo({ kube, settings }: CreateDeps, { metadata }: JobManifest): Promise<Outcome> {
  const { name } = metadata;
  const { namespace } = settings;
  const created = await kube.get("jobs", { namespace, name });
  const uid = created?.metadata.uid;
  if (uid !== undefined) await kube.delete("jobs", { namespace, name }, { uid, propagation: "Foreground" });
  return "superseded";
}

/** A Job with this name belongs to the submission only if it has the same flow run label. */
async function existingJob(
  { kube, settings: { namespace, process } }: CreateDeps,
  job: JobManifest,
): Promise<"ours" | "theirs" | "foreign" | undefined> {
  const found = await kube.get("jobs", { namespace, name: job.metadata.name });
  if (found === undefined) return undefined;
  if (found.metadata.labels?.[FLOW_RUN_LABEL] !== job.metadata.labels[FLOW_RUN_LABEL]) return "foreign";
  return ownerOf(found.metadata)?.process === process ? "ours" : "theirs";
}

/** The error for a Job that Kubernetes does not take for its size. It says what is large. */
function tooLarge(job: JobManifest, bytes: number): Error {
  const [flow] = job.spec.template.spec.containers;
  const environment = Buffer.byteLength(JSON.stringify(flow?.["env"] ?? []));
  const sizes = `${mebibytes(bytes)}: environment ${mebibytes(environment)}, the rest ${mebibytes(bytes - environment)}`;
  const message = `Job "${job.metadata.name}" is too large (${sizes}); Kubernetes takes at most ${mebibytes(MAX_JOB_BYTES)}`;
  return new ExpectedError(message, {
    hint: "move large values out of env and the job template, into a file or ConfigMap",
  });
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(2)} MiB`;
}
