// launch: the other half of "exactly once". A claim without a Job, left by a crash of ours or of a sibling, is found by the
// mark that it carries in Prefect and finished. Creating is idempotent, so two that find it at once make one Job.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import type { ClusterView } from "../cluster-view.ts";
import { textOf } from "../../base/errors.ts";
import { listAll } from "../../kube/api.ts";
import { FLOW_RUN_LABEL } from "../../job/labels.ts";
import { claimMarkOf } from "../../prefect/claiming.ts";
import { newState } from "../../prefect/state.ts";
import type { ClaimedRun } from "../../prefect/api.ts";
import { placeMark } from "./claim-mark.ts";
import type { InHand } from "./in-hand.ts";
import type { Submitter } from "./submit.ts";

const SWEEP_MS = 15_000;
/** A running run without a Job is rarer than a claimed one, and dearer to look for. */
const FULL_SWEEP_MS = 600_000;
const PAGE = 200;

export interface RecoveryWorld {
  readonly view: ClusterView;
  readonly inHand: InHand;
  readonly submitter: Submitter;
  /** Looks at a run that may have nothing left in the cluster. */
  readonly touch: (flowRunId: string) => void;
}

/** Sweeps at the start and every few seconds until told to stop. */
export class Recovery {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #world: RecoveryWorld;
  #fullAtMs = 0;

  constructor(deps: AgentDeps, settings: AgentSettings, world: RecoveryWorld) {
    this.#deps = deps;
    this.#settings = settings;
    this.#world = world;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sweep(signal).catch((error: unknown) => {
        if (!signal.aborted)
          this.#deps.log.debug("Could not look for unfinished submissions", { error: textOf(error) });
      });
      await this.#deps.clock.sleep(SWEEP_MS, signal);
    }
  }

  /** Finds claims of this place without a Job, and settles each. */
  async sweep(signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now().getTime();
    const full = now - this.#fullAtMs > FULL_SWEEP_MS;
    const states = full ? ["Submitted", "Running", "Cancelling"] : ["Submitted"];
    const mark = placeMark(this.#settings.place);
    const claimed = await this.#deps.prefect.claimedRuns({ states, mark, limit: PAGE }, signal);
    if (full) this.#fullAtMs = now;
    for (const run of claimed) {
      if (signal.aborted) return;
      await this.#settle(run, signal).catch((error: unknown) => {
        const fields = { flowRun: run.flowRun.id, error: textOf(error) };
        this.#deps.log.warn("Could not finish a submission, trying again", fields);
      });
    }
  }

  async #settle({ flowRun, claimedState }: ClaimedRun, signal: AbortSignal): Promise<void> {
    const { view, inHand, submitter, touch } = this.#world;
    const mark = claimMarkOf(claimedState);
    if (mark === undefined || mark.place !== this.#settings.place || inHand.has(flowRun.id)) return;
    if (view.footprint(flowRun.id).jobs.length > 0 || (await this.#hasJobs(flowRun.id))) return;
    const current = (await this.#deps.prefect.runStates([flowRun.id])).get(flowRun.id);
    if (current === undefined || current.version !== flowRun.version) return;
    if (flowRun.state === "Cancelling") return touch(flowRun.id);
    const wasMade = await this.#wasMade(flowRun.id, mark.identifier);
    const waits =
      flowRun.state === "Submitted" || (claimedState.type === "Submitted" && flowRun.task_runs.length > 0);
    if (wasMade === "no" && waits) return submitter.resume(flowRun, mark.identifier, signal);
    if (wasMade === "lost") await this.#fail(flowRun.id, mark.identifier);
  }

  async #hasJobs(flowRunId: string): Promise<boolean> {
    const query = {
      namespace: this.#settings.namespace,
      labelSelector: `${FLOW_RUN_LABEL}=${flowRunId}`,
      limit: 1,
    };
    for await (const job of listAll(this.#deps.kube, "jobs", query)) return job.metadata.uid !== "";
    return false;
  }

  /**
   * What the run's own log tells of its Job: "no": never made; "lost": made, and gone without a word;
   * "told": made, and how it ended was said. The log is written after the Job is made and before it is removed.
   */
  async #wasMade(flowRunId: string, identifier: string): Promise<"no" | "lost" | "told"> {
    const messages = await this.#deps.prefect.loggedMessages(flowRunId, [this.#settings.name, "k8s-infra"]);
    const about = messages.filter((message) => message.includes(`-${identifier}`));
    if (about.length === 0) return "no";
    return about.every((message) => message.startsWith("Submitted ") || message.startsWith("Event: "))
      ? "lost"
      : "told";
  }

  async #fail(flowRunId: string, identifier: string): Promise<void> {
    const message = `Kubernetes Error: Job ...-${identifier} was deleted before it was done, while no agent was watching`;
    await this.#deps.prefect.writeLogs([{ flowRunId, name: "k8s-infra", level: "ERROR", message }]);
    await this.#deps.prefect.setState({ flowRunId, state: newState("Failed", message) });
    this.#deps.log.info("Flow run failed in Kubernetes", { flowRun: flowRunId, message });
  }
}
