// Asks Prefect for due flow runs and hands them to the submitter; full pages are followed at once.

import type { DueRun } from "../../orchestrator/work-source.ts";
import type { ClusterView } from "../cluster-view.ts";
import type { AgentDeps } from "../deps.ts";
import { Outage } from "../outage.ts";
import type { AgentSettings } from "../settings.ts";
import type { InFlight } from "./in-flight.ts";
import type { Submitter } from "./submit.ts";

/** Core's waits between polls, in seconds, by how many in a row found nothing. */
const WAITS = [0.25, 0.5, 1, 2, 4, 8, 10];
/** So many reasons are remembered so as not to log them twice. */
const REASONS_REMEMBERED = 1_000;

export interface PollerParts {
  readonly view: ClusterView;
  readonly inFlight: InFlight;
  readonly submitter: Submitter;
}

/** The poll loop. `wake` ends a wait at once. */
export class Poller {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #parts: PollerParts;
  readonly #outage: Outage;
  readonly #unreadable = new Set<string>();
  #wake = new AbortController();

  constructor(deps: AgentDeps, settings: AgentSettings, parts: PollerParts) {
    this.#deps = deps;
    this.#settings = settings;
    this.#parts = parts;
    this.#outage = new Outage("Prefect API", deps);
  }

  /** Ends the current wait; the next poll happens at once. */
  wake(): void {
    this.#wake.abort();
  }

  /** Polls until told to stop or maxPolls are done. Throws PrefectError when refused for good. */
  async run(signal: AbortSignal): Promise<void> {
    const maxPolls = this.#settings.maxPolls ?? Number.POSITIVE_INFINITY;
    let idle = 0;
    for (let polls = 0; polls < maxPolls && !signal.aborted; polls++) {
      await this.#parts.submitter.caughtUp(signal);
      this.#wake = new AbortController();
      const { launched, more } = await this.#poll(signal);
      idle = launched > 0 ? 0 : Math.min(idle + 1, WAITS.length - 1);
      if (more) continue;
      const waitMs = (WAITS[idle] ?? 10) * 1_000;
      await this.#deps.clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #poll(signal: AbortSignal): Promise<{ readonly launched: number; readonly more: boolean }> {
    const { metrics, log, work } = this.#deps;
    const { inFlight } = this.#parts;
    try {
      const room = this.#room();
      if (room <= 0) {
        log.debug("At the limit of live Jobs, not polling", { limit: this.#settings.limit });
        metrics.progress("poll");
        return { launched: 0, more: false };
      }
      const due = await work.due({ inFlight }, signal);
      for (const reason of due.unreadable) this.#warnOnce(reason);
      // Cut to size only here: not all that Prefect hands out is to be launched.
      const runs = due.runs.filter((run) => this.#needsJob(run)).slice(0, room);
      this.#outage.over();
      metrics.count("polls");
      metrics.progress("poll");
      if (runs.length > 0) metrics.count("runsFound", undefined, runs.length);
      const launched = await this.#launch(runs, signal);
      return { launched, more: due.hasMore && launched > 0 };
    } catch (error) {
      if (!signal.aborted) await this.#outage.failed(error, signal);
      return { launched: 0, more: false };
    }
  }

  /**
   * Starts the submissions and awaits their claims, so that the next page shows other runs. Returns how many were begun:
   * a page of runs that cannot be had is no reason to ask again at once.
   */
  async #launch(runs: readonly DueRun[], signal: AbortSignal): Promise<number> {
    const beginnings = await Promise.all(runs.map((run) => this.#parts.submitter.begin(run, signal)));
    return beginnings.filter((beginning) => beginning === "begun").length;
  }

  /** A Running run whose task runs are overdue and whose Job lives is that Job's business. */
  #needsJob(run: DueRun): boolean {
    return run.state.type !== "running" || this.#parts.view.liveJobOf(run.id) === undefined;
  }

  /** Once per reason: the row comes with every poll until somebody corrects it. */
  #warnOnce(reason: string): void {
    if (this.#unreadable.has(reason)) return;
    if (this.#unreadable.size >= REASONS_REMEMBERED) this.#unreadable.clear();
    this.#unreadable.add(reason);
    this.#deps.log.warn("A flow run cannot be read and is skipped", { reason });
  }

  /** How many more Jobs may live: counted from the cluster, so that a restart keeps the count. */
  #room(): number {
    const { limit } = this.#settings;
    const { view, inFlight } = this.#parts;
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    return limit - view.liveJobs() - inFlight.uncounted((id) => view.liveJobOf(id) !== undefined);
  }
}
