// launch: one claimed submission becomes one Job. Creating it twice is impossible: its name is derived from the claim,
// and before every repeat it is asked whether the claim still stands, since the Job of a lost answer may be done by then.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import { withRetry } from "../../base/backoff.ts";
import { ExpectedError, textOf } from "../../base/errors.ts";
import { buildJob } from "../../prefect1/build/build.ts";
import { FLOW_RUN_LABEL, OWNER_ANNOTATION } from "../../job/labels.ts";
import type { JobManifest } from "../../job/manifest.ts";
import { templateSourceOf } from "../../prefect1/build/template.ts";
import { identifiersOf } from "../../prefect1/submission.ts";
import type { Submission } from "../../prefect1/submission.ts";

/** A submission whose claim Prefect has accepted. */
export interface Due {
  readonly submission: Submission;
  readonly signal: AbortSignal;
  /** Whether the claim still stands in Prefect. */
  readonly stands: () => Promise<boolean>;
}

/** `ours`: made by this process; `theirs`: made by another one that works on the same claim; `over`: nobody waits for it. */
export type Creation =
  | { readonly outcome: "ours" | "theirs"; readonly name: string }
  | { readonly outcome: "over" };

type CreateDeps = Pick<AgentDeps, "kube" | "clock" | "log" | "loadTemplate" | "isDead">;

const BACKOFF = { firstMs: 250, maxMs: 15_000 };

/** Creates the Job. Throws JobError or KubeError when there can be none; rides out what passes. */
export async function createJob(deps: CreateDeps, settings: AgentSettings, due: Due): Promise<Creation> {
  const { flowRun } = due.submission;
  const retryOptions = {
    clock: deps.clock,
    signal: due.signal,
    shape: BACKOFF,
    onRetry: (error: unknown) =>
      deps.log.debug("Could not create a Job, trying again", { error: textOf(error) }),
  };
  const source = templateSourceOf(flowRun, settings.template);
  const template = await withRetry(() => deps.loadTemplate(source), { ...retryOptions, attempts: 5 });
  for (const identifier of identifiersOf(due.submission)) {
    const job = buildJob(flowRun, settings.job, template, identifier);
    let isRepeat = false;
    const outcome = await withRetry(async () => {
      if (isRepeat && !(await due.stands())) return await resolveExisting(deps, job, settings);
      isRepeat = true;
      return await createOnce(deps, job, settings);
    }, retryOptions);
    if (outcome === "over") return { outcome };
    if (outcome !== "foreign") return { outcome, name: job.metadata.name };
  }
  throw new ExpectedError(`cannot create the Job of flow run "${flowRun.id}": its names are taken by others`);
}

type Attempt = Creation["outcome"] | "foreign";

async function createOnce(deps: CreateDeps, job: JobManifest, settings: AgentSettings): Promise<Attempt> {
  const { namespace } = settings;
  const outcome = await deps.kube.create("jobs", job, { namespace });
  if (outcome === "created") return "ours";
  const standing = await whose(deps, job, settings);
  if (standing !== undefined) return standing;
  // Made and gone meanwhile, or a conflict of another kind, as a quota has them: ask Prefect, then try again.
  const message = `cannot create Job "${job.metadata.name}": the name is taken, and there is no such Job`;
  throw new ExpectedError(message, { retryable: true });
}

/** The claim is no more: because the Job was made and does its work, or because somebody changed the run's state. */
async function resolveExisting(
  deps: CreateDeps,
  job: JobManifest,
  settings: AgentSettings,
): Promise<Attempt> {
  const standing = await whose(deps, job, settings);
  return standing === undefined || standing === "foreign" ? "over" : standing;
}

/** A Job of that name counts as this submission's only when it says so itself. */
async function whose(
  deps: CreateDeps,
  job: JobManifest,
  { namespace, identity: owner }: AgentSettings,
): Promise<"ours" | "theirs" | "foreign" | undefined> {
  const found = await deps.kube.get("jobs", { namespace, name: job.metadata.name });
  if (found === undefined) return undefined;
  if (found.metadata.labels?.[FLOW_RUN_LABEL] !== job.metadata.labels[FLOW_RUN_LABEL]) return "foreign";
  const maker = found.metadata.annotations?.[OWNER_ANNOTATION];
  return maker === undefined || maker === owner || deps.isDead(maker) ? "ours" : "theirs";
}
