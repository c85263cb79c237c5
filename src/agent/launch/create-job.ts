// Creates the Job of a claimed submission, never twice: its name is derived from the claim, a Job that the watch has shown is
// not created again, and before a retry, or after a wait, the claim is checked, since the Job may have been created despite an
// error and have finished already.

import { ExpectedError } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, identifierOf, isAgentJob } from "../../job/labels.ts";
import { isOngoing } from "../../job/observe/phase.ts";
import { ownerOf } from "../../job/owner.ts";
import { KubeError } from "../../kube/client/errors.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import type { Job } from "../../kube/client/objects.ts";
import type { Submission } from "../../orchestrator/work-source.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import { findObject, hasObject } from "../run-objects.ts";
import type { AgentSettings } from "../settings.ts";
import { createFailure, isTooLarge, MAX_JOB_BYTES, type CreateFailure } from "./create-failure.ts";

export type Creation =
  /** `ours`: created by this process; `theirs`: by another one for the same claim. */
  | { readonly outcome: "ours" | "theirs"; readonly name: string }
  /** An earlier submission's Job does the work. */
  | { readonly outcome: "adopted"; readonly name: string }
  /** The claim no longer holds. */
  | { readonly outcome: "not-needed" }
  /** The API server did not take it. */
  | { readonly outcome: "refused"; readonly failure: CreateFailure; readonly error: Error };

interface DueSubmission {
  readonly submission: Submission;
  /** Whether the claim still holds in Prefect. */
  readonly isCurrent: () => Promise<boolean>;
  /** Ticks; -Infinity: the claim must be checked, since this is a retry, or another process has made it. */
  readonly claimedAt: number;
}

type CreateDeps = Pick<AgentDeps, "kube" | "clock"> & {
  readonly view: Pick<ClusterView, "jobNamed" | "jobs" | "liveJobOf">;
  readonly settings: Pick<AgentSettings, "namespace" | "process">;
};

/** Another process takes a claim over after ten seconds. A fresh one is not checked; a request that took longer may come too late. */
const FRESH_MS = 5_000;

/** Creates the Job, by one request. Throws what building it throws, and KubeError when it cannot be read. */
export async function createJob(deps: CreateDeps, due: DueSubmission): Promise<Creation> {
  const { submission, isCurrent, claimedAt } = due;
  const isStillNeeded = async (): Promise<boolean> =>
    deps.clock.ticks() - claimedAt < FRESH_MS || isCurrent();
  const earlier = (await earlierJob(deps, submission))?.metadata.name;
  if (earlier !== undefined)
    return (await isStillNeeded()) ? { outcome: "adopted", name: earlier } : { outcome: "not-needed" };
  for (const identifier of submission.identifiers) {
    const job = await submission.build(identifier);
    const { name } = job.metadata;
    // The answer of an earlier request was lost, and its Job may have been deleted since.
    const seen = deps.view.jobNamed(submission.flowRunId, name);
    if (seen !== undefined) return { outcome: creatorOf(deps, seen), name };
    const isNeeded = await isStillNeeded();
    const creation = isNeeded ? await create(deps, job, due) : await existingJob(deps, job);
    if (typeof creation === "object") return creation;
    if (!isNeeded) return { outcome: "not-needed" };
  }
  throw new ExpectedError(
    `cannot create the Job of flow run "${submission.flowRunId}": its names are taken by other runs' Jobs`,
  );
}

/** Submissions without an earlier Job: none can come, however often their own is refused. */
const SEARCHED = new WeakSet<Submission>();

/**
 * Lazarus reschedules runs whose pod is still pulling its image; then the existing Job, whoever's it is, does the work. Read
 * from the API server, also where the watch has shown none: it may be late.
 */
async function earlierJob(deps: CreateDeps, submission: Submission): Promise<Job | undefined> {
  const { kube, view } = deps;
  const { flowRunId, identifiers, isFirst } = submission;
  // Where Prefect takes the same claim from several agents, one has created its Job.
  const isOther = ({ metadata }: Job): boolean => !identifiers.includes(identifierOf(metadata) ?? "");
  const live = view.liveJobOf(flowRunId);
  if (live !== undefined) {
    const current = isOther(live) ? await kube.get("jobs", live.metadata) : undefined;
    return current?.metadata.uid === live.metadata.uid && isOngoing(current) ? current : undefined;
  }
  if (isFirst || SEARCHED.has(submission)) return undefined;
  const found = await findObject(deps, "jobs", flowRunId, (job) => {
    const isUnseen = view.jobs.get(job.metadata.uid) === undefined;
    return isUnseen && isOther(job) && isAgentJob(job.metadata) && isOngoing(job);
  });
  if (found === undefined) SEARCHED.add(submission);
  return found;
}

/** `foreign`: another run's Job has the name. */
async function create(deps: CreateDeps, job: JobManifest, due: DueSubmission): Promise<Creation | "foreign"> {
  const { kube, clock, settings } = deps;
  const sentAt = clock.ticks();
  try {
    const outcome = await kube.create("jobs", job, { namespace: settings.namespace });
    if (outcome === "exists") return (await existingJob(deps, job)) ?? taken(job);
    const isLate = clock.ticks() - sentAt > FRESH_MS;
    const { name } = job.metadata;
    if (!isLate || (await due.isCurrent()) || !(await hasOther(deps, job))) return { outcome: "ours", name };
    return await undo(deps, job);
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const bytes = Buffer.byteLength(JSON.stringify(job));
    const failure = createFailure(error, bytes);
    const isSize = failure === "run" && isTooLarge(error, bytes);
    return { outcome: "refused", failure, error: isSize ? tooLarge(job, bytes) : error };
  }
}

/** Created and deleted meanwhile: whether it is still needed is checked before the next try. */
function taken(job: JobManifest): Creation {
  const message = `cannot create Job "${job.metadata.name}": Kubernetes reports a conflict, but no such Job exists`;
  return { outcome: "refused", failure: "passing", error: new ExpectedError(message, { retryable: true }) };
}

/** Whether another Job works on the run. If none does, this one may have set the run's state itself. */
function hasOther(deps: CreateDeps, { metadata }: JobManifest): Promise<boolean> {
  return hasObject(deps, "jobs", String(metadata.labels[FLOW_RUN_LABEL]), (job) => {
    return isOngoing(job) && isAgentJob(job.metadata) && job.metadata.name !== metadata.name;
  });
}

/** The request took so long that another process has claimed the run meanwhile: one Job is enough. */
async function undo({ kube, settings }: CreateDeps, { metadata }: JobManifest): Promise<Creation> {
  const ref = { namespace: settings.namespace, name: metadata.name };
  const uid = (await kube.get("jobs", ref))?.metadata.uid;
  if (uid !== undefined) await kube.delete("jobs", ref, { uid, propagation: "Foreground" });
  return { outcome: "not-needed" };
}

/** A Job with this name belongs to the submission only if it has the same flow run label. */
async function existingJob(deps: CreateDeps, job: JobManifest): Promise<Creation | "foreign" | undefined> {
  const { name } = job.metadata;
  const found = await deps.kube.get("jobs", { namespace: deps.settings.namespace, name });
  if (found === undefined) return undefined;
  if (found.metadata.labels?.[FLOW_RUN_LABEL] !== job.metadata.labels[FLOW_RUN_LABEL]) return "foreign";
  return { outcome: creatorOf(deps, found), name };
}

function creatorOf({ settings }: CreateDeps, { metadata }: Job): "ours" | "theirs" {
  return ownerOf(metadata)?.process === settings.process ? "ours" : "theirs";
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
