// Creates the Job of a claimed submission, never twice: its name is derived from the claim, and before every retry the claim
// is checked, since the Job may have been created despite an error and have finished already.

import { withRetry } from "../../base/retry.ts";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { FLOW_RUN_LABEL, OWNER_ANNOTATION } from "../../job/labels.ts";
import type { JobManifest } from "../../kube/client/manifest.ts";
import type { Submission } from "../../orchestrator/work-source.ts";
import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";

/** A submission whose claim Prefect has accepted. */
export interface DueSubmission {
  readonly submission: Submission;
  readonly signal: AbortSignal;
  /** Whether the claim still holds in Prefect. */
  readonly isCurrent: () => Promise<boolean>;
}

/** `ours`: created by this process; `theirs`: by another one for the same claim; `not-needed`: the claim no longer holds. */
export type Creation =
  | { readonly outcome: "ours" | "theirs"; readonly name: string }
  | { readonly outcome: "not-needed" };

type CreateDeps = Pick<AgentDeps, "kube" | "clock" | "log" | "isDead">;
type CreateSettings = Pick<AgentSettings, "namespace" | "identity">;

const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/** Tries to read a remote job template; after these the submission fails, and recovery finds it again. */
const BUILD_ATTEMPTS = 5;

/** Creates the Job. Retries temporary errors; throws JobError or KubeError for others. */
export async function createJob(
  deps: CreateDeps,
  settings: CreateSettings,
  { submission, signal, isCurrent }: DueSubmission,
): Promise<Creation> {
  const retryOptions = {
    clock: deps.clock,
    signal,
    shape: BACKOFF,
    onRetry: (error: unknown) => deps.log.debug("Could not create a Job, retrying", { error: textOf(error) }),
  };
  for (const identifier of submission.identifiers) {
    const build = (): Promise<JobManifest> => submission.build(identifier);
    const job = await withRetry(build, { ...retryOptions, attempts: BUILD_ATTEMPTS });
    let isRetry = false;
    const outcome = await withRetry(async () => {
      if (isRetry && !(await isCurrent())) return await resolveExisting(deps, job, settings);
      isRetry = true;
      return await createOnce(deps, job, settings);
    }, retryOptions);
    if (outcome === "not-needed") return { outcome };
    if (outcome !== "foreign") return { outcome, name: job.metadata.name };
  }
  throw new ExpectedError(
    `cannot create the Job of flow run "${submission.flowRunId}": its names are taken by other runs' Jobs`,
  );
}

type Attempt = Creation["outcome"] | "foreign";

async function createOnce(deps: CreateDeps, job: JobManifest, settings: CreateSettings): Promise<Attempt> {
  const outcome = await deps.kube.create("jobs", job, { namespace: settings.namespace });
  if (outcome === "created") return "ours";
  const existing = await existingJob(deps, job, settings);
  if (existing !== undefined) return existing;
  // Created and deleted meanwhile, or another kind of conflict, such as of a quota: check the claim, then retry.
  const message = `cannot create Job "${job.metadata.name}": Kubernetes reports a conflict, but no such Job exists`;
  throw new ExpectedError(message, { retryable: true });
}

/** The claim no longer holds: the Job was created by an earlier try, or somebody changed the run's state. */
async function resolveExisting(
  deps: CreateDeps,
  job: JobManifest,
  settings: CreateSettings,
): Promise<Attempt> {
  const existing = await existingJob(deps, job, settings);
  return existing === undefined || existing === "foreign" ? "not-needed" : existing;
}

/** A Job with this name belongs to the submission only if it has the same flow run label. */
async function existingJob(
  deps: CreateDeps,
  job: JobManifest,
  { namespace, identity }: CreateSettings,
): Promise<"ours" | "theirs" | "foreign" | undefined> {
  const found = await deps.kube.get("jobs", { namespace, name: job.metadata.name });
  if (found === undefined) return undefined;
  if (found.metadata.labels?.[FLOW_RUN_LABEL] !== job.metadata.labels[FLOW_RUN_LABEL]) return "foreign";
  const owner = found.metadata.annotations?.[OWNER_ANNOTATION];
  return owner === undefined || owner === identity || deps.isDead(owner) ? "ours" : "theirs";
}
