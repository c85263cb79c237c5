// Which Job an active state belongs to, where the state itself does not tell: a claim may have adopted an older Job, and a
// Running run may have been launched elsewhere since.

import { batchedById, type Batcher } from "../../base/batch.ts";
import type { Decision } from "../../job/decide/types.ts";
import { identifierOf } from "../../job/labels.ts";
import { createdMs, hasCondition, type ObservedJob, type ObservedRun } from "../../job/observe/observed.ts";
import type { RunStatus } from "../../orchestrator/flow-run.ts";
import { comparePlaces } from "../../orchestrator/place.ts";
import type { LastClaim } from "../../orchestrator/run-reporter.ts";
import type { AgentDeps } from "../deps.ts";
import { adoptionLine } from "../run-log.ts";

type LaunchDeps = Pick<AgentDeps, "clock" | "kubeTime" | "prefectTime" | "runs" | "settings">;

const BATCH = { maxSize: 100, maxRequests: 4 };

export class LastLaunch {
  readonly #deps: LaunchDeps;
  readonly #claims: Batcher<string, LastClaim | undefined>;

  constructor(deps: LaunchDeps) {
    this.#deps = deps;
    this.#claims = batchedById((ids) => deps.runs.lastClaims(ids), BATCH, deps.clock);
  }

  /** Decides by what is known of the run, and again if the run would end and its state belongs to another Job. */
  async decide(
    run: RunStatus,
    observed: ObservedRun,
    decide: (run: RunStatus) => Decision,
  ): Promise<Decision> {
    const decision = decide(await this.#withAdopted(run, observed));
    const { kind } = decision.transition ?? {};
    if (kind !== "fail" && kind !== "reschedule") return decision;
    const launched = await this.#withLaunchElsewhere(run, observed);
    return launched === run ? decision : decide(launched);
  }

  /** A pending run's claim names the Jobs that it has adopted, too. Reads the log only if one of these Jobs is another's. */
  async #withAdopted(run: RunStatus, { flowRunId, jobs }: ObservedRun): Promise<RunStatus> {
    const claim = run.state?.type === "pending" ? run.state.claim : undefined;
    if (run.kind !== "known" || claim === undefined) return run;
    // One that completed, and has not started the flow, is followed by another.
    const others = jobs.filter(
      ({ job }) =>
        !claim.identifiers.includes(identifierOf(job.metadata) ?? "") &&
        !hasCondition(job.status, "Complete"),
    );
    if (others.length === 0) return run;
    const lineOf = ({ job }: ObservedJob): string => adoptionLine(job.metadata.name, claim.identifiers[0]);
    const lines = await this.#deps.runs.messages(flowRunId, { containing: others.map(lineOf) });
    const adopted = others.filter((each) => lines.includes(lineOf(each)));
    const identifiers = [
      ...claim.identifiers,
      ...adopted.flatMap(({ job }) => identifierOf(job.metadata) ?? []),
    ];
    return { ...run, state: { ...run.state, claim: { ...claim, identifiers } } };
  }

  /** With the claim of a Running run that was launched elsewhere after all its Jobs here were made. */
  async #withLaunchElsewhere(run: RunStatus, { flowRunId, jobs }: ObservedRun): Promise<RunStatus> {
    if (run.kind !== "known" || run.state.type !== "running") return run;
    const { kubeTime, prefectTime, settings } = this.#deps;
    const last = await this.#claims.add(flowRunId);
    if (last === undefined || comparePlaces(last.claim.place, settings.place) !== "other") return run;
    const aheadMs = kubeTime.now().getTime() - prefectTime.now().getTime();
    const isLast = jobs.every(({ job }) => createdMs(job) < last.at.getTime() + aheadMs);
    return isLast ? { ...run, state: { ...run.state, claim: last.claim } } : run;
  }
}
