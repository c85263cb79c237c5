// launch: [poll] → wait · claim → createJob. Every ready flow run gets one submission; full pages are followed at once.

import type { AgentDeps } from "../deps.ts";
import type { AgentSettings } from "../settings.ts";
import type { ClusterView } from "../cluster-view.ts";
import { Outage } from "../outage.ts";
import type { Launchable } from "../../prefect1/api.ts";
import type { FlowRun } from "../../prefect1/flow-run.ts";
import { startTimeOf } from "../../prefect1/states.ts";
import { InFlight } from "./in-flight.ts";
import { Submitter } from "./submit.ts";

/** Core's waits between polls, in seconds, by how many in a row found nothing. */
const WAITS = [0.25, 0.5, 1, 2, 4, 8, 10];
/** What the queue hands out at once, at most (prefect-1 server). */
const FULL_PAGE = 25;
/** How many runs are read at once when the queue's page was full. */
const WIDE_PAGE = 250;
const METADATA_PAGE = 100;
const PREFETCH_MS = 10_000;
/** How often to look past the queue's 75 oldest runs, which may all be others'. */
const STARVATION_CHECK_MS = 20_000;
/** How many reasons are remembered so as not to give them twice. */
const COMPLAINTS = 1_000;

/** The poll loop. `wake` ends a wait at once. */
export class Launcher {
  readonly #deps: AgentDeps;
  readonly #settings: AgentSettings;
  readonly #view: ClusterView;
  readonly inFlight: InFlight;
  readonly submitter: Submitter;
  readonly #outage: Outage;
  #wake = new AbortController();
  #widelyAskedAtMs = 0;
  readonly #errors = new Set<string>();

  constructor(deps: AgentDeps, settings: AgentSettings, view: ClusterView) {
    this.#deps = deps;
    this.#settings = settings;
    this.#view = view;
    this.inFlight = new InFlight(deps.clock);
    this.submitter = new Submitter(deps, settings, { view, inFlight: this.inFlight });
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
      await this.submitter.caughtUp(signal);
      this.#wake = new AbortController();
      const found = await this.#poll(signal);
      idle = found.launched > 0 ? 0 : Math.min(idle + 1, WAITS.length - 1);
      if (found.more) continue;
      const waitMs = (WAITS[idle] ?? 10) * 1_000;
      await this.#deps.clock.sleep(waitMs, AbortSignal.any([signal, this.#wake.signal]));
    }
  }

  async #poll(signal: AbortSignal): Promise<{ launched: number; more: boolean }> {
    const { clock, meter, log } = this.#deps;
    try {
      const room = this.#room();
      if (room <= 0) {
        log.debug("At the limit of live Jobs, not polling", { limit: this.#settings.limit });
        meter.progress("poll");
        return { launched: 0, more: false };
      }
      const before = new Date(clock.now().getTime() + PREFETCH_MS);
      const { ids, full } = await this.#readyIds(before, signal);
      const fresh = ids.filter((id) => !this.inFlight.has(id));
      // Cut to size only here: what the queue hands out is not all to be launched, and would stand in the way.
      const runs = (await this.#launchable(fresh, signal))
        .filter((run) => this.#needsJob(run))
        .slice(0, room);
      this.#outage.over();
      meter.count("polls");
      meter.progress("poll");
      if (runs.length > 0) meter.count("runsFound", undefined, runs.length);
      const begun = await this.#begin(runs, signal);
      return { launched: begun, more: full && begun > 0 };
    } catch (error) {
      if (!signal.aborted) await this.#outage.failed(error, signal);
      return { launched: 0, more: false };
    }
  }

  /**
   * Due runs are begun together and their claims awaited, so that the next page shows others; the rest waits aside.
   * How many were begun: a page of runs that cannot be had is no reason to ask again at once.
   */
  async #begin(runs: readonly FlowRun[], signal: AbortSignal): Promise<number> {
    const beginnings = await Promise.all(runs.map((flowRun) => this.submitter.begin(flowRun, signal)));
    return beginnings.filter((beginning) => beginning === "begun").length;
  }

  /** A Running run with overdue task runs and a living Job is its own Job's business. */
  #needsJob(run: FlowRun): boolean {
    return run.state !== "Running" || this.#view.liveJobOf(run.id) === undefined;
  }

  /** Once per reason: the row comes with every poll until somebody mends it. */
  #complain(reason: string): void {
    if (this.#errors.has(reason)) return;
    if (this.#errors.size >= COMPLAINTS) this.#errors.clear();
    this.#errors.add(reason);
    this.#deps.log.warn("A flow run cannot be read and is left alone", { reason });
  }

  /** How many more Jobs may live: counted from the cluster, so that a restart keeps the count. */
  #room(): number {
    const { limit } = this.#settings;
    if (limit === undefined) return Number.POSITIVE_INFINITY;
    const seen = (id: string): boolean => this.#view.liveJobOf(id) !== undefined;
    return limit - this.#view.liveJobs() - this.inFlight.unseen(seen);
  }

  async #readyIds(before: Date, signal: AbortSignal): Promise<{ ids: string[]; full: boolean }> {
    const { prefect, clock } = this.#deps;
    const { labels } = this.#settings;
    const queued = await prefect.queuedFlowRunIds(before, labels, signal);
    const full = queued.length >= FULL_PAGE;
    const now = clock.now().getTime();
    if (!full && now - this.#widelyAskedAtMs < STARVATION_CHECK_MS) return { ids: queued, full: false };
    this.#widelyAskedAtMs = now;
    const wide = await prefect.dueFlowRunIds(before, labels, {
      limit: WIDE_PAGE + this.inFlight.size,
      signal,
    });
    return { ids: [...new Set([...queued, ...wide])], full: full || wide.length >= WIDE_PAGE };
  }

  async #launchable(ids: readonly string[], signal: AbortSignal): Promise<FlowRun[]> {
    const pages: Promise<Launchable>[] = [];
    for (let at = 0; at < ids.length; at += METADATA_PAGE) {
      const some = ids.slice(at, at + METADATA_PAGE);
      pages.push(this.#deps.prefect.launchableFlowRuns(some, this.#deps.clock.now(), signal));
    }
    const found = await Promise.all(pages);
    for (const reason of found.flatMap(({ unreadable }) => unreadable)) this.#complain(reason);
    const runs = found.flatMap((page) => page.runs);
    const startOf = (run: FlowRun): number => startTimeOf(run.serialized_state)?.getTime() ?? 0;
    return runs.sort((a, b) => startOf(a) - startOf(b));
  }
}
