// Which Job an active state belongs to, where the state itself does not tell: a claim may have adopted an older Job, and a
// Running run may have been launched elsewhere since.

import { Batcher } from "../../base/batch.ts";
import { IDENTIFIER_LABEL } from "../../job/labels.ts";
import { createdMs, hasCondition, type ObservedJob, type ObservedRun } from "../../job/observe/observed.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import type { LastClaim } from "../../orchestrator/run-reporter.ts";
import type { AgentDeps } from "../deps.ts";
import { ADOPTED } from "../run-log.ts";

type LaunchDeps = Pick<AgentDeps, "clock" | "kubeTime" | "prefectTime" | "runs" | "settings">;

export class LastLaunch {
  readonly #deps: LaunchDeps;
  readonly #claims: Batcher<string, LastClaim | undefined>;

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
    const read = async (ids: readonly string[]): Promise<readonly (LastClaim | undefined)[]> => {
      const found = await deps.runs.lastClaims(ids);
      return ids.map((id) => found.get(id));
    };
    this.#claims = new Batcher(read, { maxSize: 100, maxRequests: 4 }, deps.clock);
  }

  /** A pending run's claim names the Jobs that it has adopted, too. Reads the log only if one of these Jobs is another's. */
  async withAdopted(run: RunStatus, { flowRunId, jobs }: ObservedRun): Promise<RunStatus> {
    const claim = run.kind === "known" && run.state.type === "pending" ? run.state.claim : undefined;
    if (run.kind !== "known" || claim === undefined) return run;
    // One that completed, and has not started the flow, is followed by another.
    const others = jobs.filter(
      (each) =>
        !claim.identifiers.includes(identifierOf(each) ?? "") && !hasCondition(each.job.status, "Complete"),
    );
    if (others.length === 0) return run;
    const lines = await this.#deps.runs.messagesContaining(flowRunId, [ADOPTED]);
    const adopted = others.filter(({ job }) =>
      lines.some(
        (line) => line.startsWith(`${ADOPTED}${job.metadata.name},`) && isOf(line, claim.identifiers),
      ),
    );
    const identifiers = [...claim.identifiers, ...adopted.flatMap((job) => identifierOf(job) ?? [])];
    return { ...run, state: { ...run.state, claim: { ...claim, identifiers } } };
  }

  /** With the claim of a Running run that was launched elsewhere after all its Jobs here were made. */
  async withLaunchElsewhere(run: RunStatus, { flowRunId, jobs }: ObservedRun): Promise<RunStatus> {
    if (run.kind !== "known" || run.state.type !== "running") return run;
    const { kubeTime, prefectTime, settings } = this.#deps;
    const last = await this.#claims.add(flowRunId);
    if (last === undefined || comparePlaces(last.claim.place, settings.place) !== "other") return run;
    const aheadMs = kubeTime.now().getTime() - prefectTime.now().getTime();
    const isLast = jobs.every(({ job }) => createdMs(job) < last.at.getTime() + aheadMs);
    return isLast ? { ...run, state: { ...run.state, claim: last.claim } } : run;
  }
}

function isOf(line: string, identifiers: readonly string[]): boolean {
  return identifiers.some((identifier) => line.endsWith(`-${identifier})`));
}

function identifierOf({ job }: ObservedJob): string | undefined {
  return job.metadata.labels?.[IDENTIFIER_LABEL];
}
