// One claimed submission becomes one Job. Creating it twice is impossible: its name is derived from the claim, and before
// every repeat the claim is checked, since the Job of a lost answer may have finished by then.

import { withRetry } from "../../base/backoff.ts";
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

/** `ours`: made by this process; `theirs`: made by another one that works on the same claim; `over`: no longer needed. */
export type Creation =
  | { readonly outcome: "ours" | "theirs"; readonly name: string }
  | { readonly outcome: "over" };

type CreateDeps = Pick<AgentDeps, "kube" | "clock" | "log" | "isDead">;
type CreateSettings = Pick<AgentSettings, "namespace" | "identity">;

const BACKOFF = { firstMs: 250, maxMs: 15_000 };
/** A template's address that does not answer is tried so often; then the submission is given up, and found again. */
const BUILD_ATTEMPTS = 5;

/** Creates the Job. Throws JobError or KubeError when there can be none; retries what passes. */
export async function createJob(
  deps: CreateDeps,
  settings: CreateSettings,
  { submission, signal, isCurrent }: DueSubmission,
): Promise<Creation> {
  const retryOptions = {
    clock: deps.clock,
    signal,
    shape: BACKOFF,
    onRetry: (error: unknown) =>
      deps.log.debug("Could not create a Job, trying again", { error: textOf(error) }),
  };
  for (const identifier of submission.identifiers) {
    const build = (): Promise<JobManifest> => submission.build(identifier);
    const job = await withRetry(build, { ...retryOptions, attempts: BUILD_ATTEMPTS });
    let isRepeat = false;
    const outcome = await withRetry(async () => {
      if (isRepeat && !(await isCurrent())) return await resolveExisting(deps, job, settings);
      isRepeat = true;
      return await createOnce(deps, job, settings);
    }, retryOptions);
    if (outcome === "over") return { outcome };
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
  // Created and gone meanwhile, or a conflict of another kind, as quotas have them: ask Prefect, then try again.
  const message = `cannot create Job "${job.metadata.name}": the name is taken, and there is no such Job`;
  throw new ExpectedError(message, { retryable: true });
}

/** The claim no longer holds: the Job was created and works, or somebody changed the run's state. */
async function resolveExisting(
  deps: CreateDeps,
  job: JobManifest,
  settings: CreateSettings,
): Promise<Attempt> {
  const existing = await existingJob(deps, job, settings);
  return existing === undefined || existing === "foreign" ? "over" : existing;
}

/** A Job of that name counts as this submission's only when its own label says so. */
async function existingJob(
  deps: CreateDeps,
  job: JobManifest,
  { namespace, identity }: CreateSettings,
): Promise<"ours" | "theirs" | "foreign" | undefined> {
  const found = await deps.kube.get("jobs", { namespace, name: job.metadata.name });
  if (found === undefined) return undefined;
  if (found.metadata.labels?.[FLOW_RUN_LABEL] !== job.metadata.labels[FLOW_RUN_LABEL]) return "foreign";
  const maker = found.metadata.annotations?.[OWNER_ANNOTATION];
  return maker === undefined || maker === identity || deps.isDead(maker) ? "ours" : "theirs";
}
