// Cancelling in Prefect: of 0.x and 1.x by GraphQL, of 2 and 3 by REST, each where an API of it is configured.

import type { CancelAnswer, CancelledRuns } from "../../../cleanup/cancel.ts";
import type { OwnerRun } from "../../../cleanup/item.ts";
import type { PrefectConfig } from "../../../prefect1/config/load.ts";
import type { PrefectVersion } from "../../../inventory/inventory.ts";
import type { PrefectApi } from "../../../prefect1/api.ts";
import { PrefectError } from "../../../prefect1/errors.ts";
import type { RestApi } from "../../../prefect3/client.ts";
import type { ListingStates } from "../../prefect-states.ts";
import { isFinished, newState } from "../../../prefect1/states.ts";
import { stateText } from "../../../inventory/job-row.ts";
import type { CliContext } from "../../context.ts";
import { prefectTarget } from "../../prefect-target.ts";

const MESSAGE = "Cancelled: nothing of the flow run is left in Kubernetes";
const DEADLINE_MS = 30_000;
const HOW_TO_NAME: Readonly<Record<PrefectVersion, string>> = {
  1: "no API is configured; name it with --api or PREFECT__CLOUD__API",
  2: "no API is configured; name it with PREFECT_API_URL",
};
/** Has a process, or is about to get one: it is asked to end before it is called cancelled. */
const AT_WORK = new Set(["Running", "Submitted", "Paused"]);

/** The APIs that a cancellation writes to; connected when first needed. Close it at the end. */
export class CancelInPrefect implements CancelledRuns {
  readonly #context: CliContext;
  readonly #config: PrefectConfig;
  readonly #states: Pick<ListingStates, "sources" | "rest">;
  #first: Promise<PrefectApi> | undefined;
  #second: Promise<RestApi> | undefined;

  constructor(context: CliContext, config: PrefectConfig, states: Pick<ListingStates, "sources" | "rest">) {
    this.#context = context;
    this.#config = config;
    this.#states = states;
  }

  /** Throws PrefectError. A run that no Prefect can be told of is no error: it is said, and its objects go all the same. */
  async cancel(run: OwnerRun): Promise<CancelAnswer> {
    if (this.#states.sources[run.prefectVersion] === undefined)
      return { untold: HOW_TO_NAME[run.prefectVersion] };
    if (run.view.kind === "missing") return { untold: "it has no such flow run" };
    if (run.view.kind === "known" && isFinished(run.view.state.type)) return { state: stateText(run.view) };
    if (run.prefectVersion === 1) return { state: await (await this.#graphql()).cancel(run.id) };
    // Asked for before, by somebody else: the API takes no state twice.
    if (run.view.kind === "known" && run.view.state.type === "Cancelling") return { state: "Cancelling" };
    const isAtWork = run.view.kind === "known" && AT_WORK.has(run.view.state.type);
    await this.#ask(run, isAtWork ? "CANCELLING" : "CANCELLED", false);
    return { state: isAtWork ? "Cancelling" : "Cancelled" };
  }

  async settle(run: OwnerRun): Promise<void> {
    if (run.prefectVersion === 2) return this.#ask(run, "CANCELLED", true);
    const state = newState("Cancelled", MESSAGE);
    await (await this.#graphql()).setState({ flowRunId: run.id, state });
  }

  async close(): Promise<void> {
    (await this.#first?.catch(() => undefined))?.close();
    (await this.#second?.catch(() => undefined))?.close();
  }

  async #ask(run: OwnerRun, type: "CANCELLING" | "CANCELLED", force: boolean): Promise<void> {
    const { rest } = this.#states;
    if (rest === undefined) return;
    this.#second ??= import("../../../prefect3/connect.ts").then(({ connectRest }) =>
      connectRest(rest, this.#context.env, DEADLINE_MS),
    );
    const api = await this.#second;
    const message = force ? { message: MESSAGE } : {};
    const answer = await api.setState(run.id, { type, force, ...message }, this.#context.signal);
    if (answer === "ACCEPT") return;
    throw new PrefectError(
      `cancel flow run "${run.id}"`,
      `the API answered ${answer === "" ? "nothing that is known" : answer}`,
      { failure: "refused" },
    );
  }

  #graphql(): Promise<PrefectApi> {
    this.#first ??= this.#context.connectPrefect(prefectTarget(this.#config));
    return this.#first;
  }
}
