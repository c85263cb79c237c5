// Polls Prefect for due flow runs and passes them to the submitter; polls again at once while pages are full.

import type { SharedState } from "../shared-state.ts";
import { withoutWorkedElsewhere } from "./elsewhere.ts";
import { slotsForNewClaims } from "./slots.ts";
import type { Submitter } from "./submit.ts";

/** Prefect Core's waits between polls, in seconds, by the number of polls in a row that found nothing. */
const WAITS = [0.25, 0.5, 1, 2, 4, 8, 10];
/** While many Jobs are to be created a poll would claim nothing. It comes all the same, since Prefect shows the agent's last. */
const BUSY = { lookMs: 25, atMostMs: 10_000 };

type PollerDeps = SharedState & { readonly submitter: Submitter };

export class Poller {
  readonly #deps: PollerDeps;
  #wake = new AbortController();

  constructor(deps: PollerDeps) {
    this.#deps = deps;
  }

  /** Ends the current wait, so that the next poll happens now. */
  wake(): void {
    this.#wake.abort();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#deps;
    const { maxPolls = Number.POSITIVE_INFINITY } = settings;
    let idle = 0;
    for (let polls = 0; polls < maxPolls && !signal.aborted; polls++) {
      this.#wake = new AbortController();
      const { launched, more } = await this.#poll(signal);
      idle = launched > 0 ? 0 : Math.min(idle + 1, WAITS.length - 1);
      const either = AbortSignal.any([signal, this.#wake.signal]);
      if (more) await this.#whileBusy(either);
      else await clock.sleep((WAITS[idle] ?? 10) * 1_000, either);
    }
  }

  async #whileBusy(signal: AbortSignal): Promise<void> {
    const { clock, submitter } = this.#deps;
    const untilMs = clock.ticks() + BUSY.atMostMs;
    while (submitter.isBusy && clock.ticks() < untilMs && !signal.aborted)
      await clock.sleep(BUSY.lookMs, signal);
  }

  async #poll(signal: AbortSignal): Promise<{ readonly launched: number; readonly more: boolean }> {
    const { metrics, log, work, inFlight, submitter, settings, view } = this.#deps;
    try {
      const freeSlots = this.#freeSlots();
      if (freeSlots <= 0) {
        log.debug("Claiming no flow runs now", { limit: settings.limit });
        await work.heartbeat(signal);
        this.#succeeded();
        return { launched: 0, more: false };
      }
      const due = await work.due(inFlight, signal);
      // A Running run with overdue task runs needs no Job if it has a live one.
      const needy = due.runs.filter(({ id, state }) => state.type !== "running" || !view.liveJobOf(id));
      const runs = (await withoutWorkedElsewhere(this.#deps, needy)).slice(0, freeSlots);
      this.#succeeded();
      if (runs.length > 0) metrics.count("runsFound", undefined, runs.length);
      // The claims are awaited, so that the next page has other runs.
      const results = await Promise.all(runs.map((run) => submitter.start(run, signal)));
      const launched = results.filter(Boolean).length;
      return { launched, more: due.hasMore && launched > 0 };
    } catch (error) {
      if (!signal.aborted) await this.#deps.outage.backOff(error, signal);
      return { launched: 0, more: false };
    }
  }

  #succeeded(): void {
    this.#deps.outage.recovered();
    this.#deps.metrics.count("polls");
    this.#deps.metrics.progress("poll");
  }

  #freeSlots(): number {
    const { submitter, work } = this.#deps;
    const { room } = submitter;
    if (room <= 0 || submitter.isBusy || work.fault()?.canBuild === false) return 0;
    return Math.min(room, slotsForNewClaims(this.#deps));
  }
}
