// The agent: watches the cluster, launches due flow runs, supervises their Jobs, and recovers unfinished claims. Constructs
// the state that these parts share.

import { aborted } from "../base/clock.ts";
import { runAll } from "../base/run-all.ts";
import { ClusterView } from "./cluster-view.ts";
import type { AgentDeps } from "./deps.ts";
import { InFlight } from "./launch/in-flight.ts";
import { Poller } from "./launch/poll.ts";
import { Recovery } from "./launch/recover.ts";
import { Submitter } from "./launch/submit.ts";
import { ownerOf } from "../job/owner.ts";
import { OtherAgents } from "./other-agents.ts";
import { Outage } from "./outage.ts";
import { Ownership } from "./ownership.ts";
import { RunLogWriter } from "./run-log.ts";
import { RunStates } from "./run-states.ts";
import type { Gauges } from "./server/metrics.ts";
import type { SharedState } from "./shared-state.ts";
import { untilAnswered } from "./start-check.ts";
import { Controller } from "./supervise/controller.ts";

export class Agent {
  readonly #shared: SharedState;
  readonly #poller: Poller;
  readonly #controller: Controller;
  readonly #recovery: Recovery;
  readonly #submitter: Submitter;

  constructor(deps: AgentDeps) {
    const { settings, clock } = deps;
    const others = new OtherAgents(deps, settings, () => this.#controller.otherAgentsChanged());
    const ownership = new Ownership(settings, { ...deps, others });
    const inFlight = new InFlight(clock);
    const view = new ClusterView({
      ...deps,
      // Without an annotation Prefect tells whose a Job is; until it has, the Job counts.
      isOurs: (job) =>
        ownership.isOurs(job) || (ownerOf(job.metadata) === undefined && !this.#controller.isForeign(job)),
      onJob: (flowRunId) => inFlight.seen(flowRunId),
      onChange: (flowRunId, how) => this.#controller.enqueue(flowRunId, how),
    });
    const states = new RunStates(deps);
    const runLog = new RunLogWriter(deps);
    const outage = new Outage("Prefect API", deps);
    const shared = (this.#shared = { ...deps, view, inFlight, states, others, ownership, runLog, outage });
    const submitter = (this.#submitter = new Submitter(shared));
    this.#poller = new Poller({ ...shared, submitter });
    this.#controller = new Controller(shared);
    const enqueue = (flowRunId: string): void => this.#controller.enqueue(flowRunId);
    this.#recovery = new Recovery({ ...shared, submitter, enqueue });
  }

  poke(): void {
    this.#poller.wake();
  }

  /** What keeps the agent from creating Jobs; undefined: nothing. */
  problem(): string | undefined {
    const fault = this.#shared.work.fault();
    return fault?.canBuild === false ? fault.text : this.#submitter.waiting.problem();
  }

  /** What is wrong, but does not keep the agent from creating Jobs; undefined: nothing. */
  warning(): string | undefined {
    return this.#shared.work.fault()?.text;
  }

  gauges(): Gauges {
    const { settings, view, inFlight } = this.#shared;
    const { limit } = settings;
    const watchRestarts = view.jobs.restarts + view.pods.restarts + view.events.restarts;
    return { liveJobs: view.liveJobs(), inFlight: inFlight.size, limit, watchRestarts };
  }

  /**
   * Registers, and watches the cluster meanwhile; then runs until the signal aborts or maxPolls are done; finishes submissions in
   * flight within the shutdown grace. Throws PrefectError when the registration is refused, but not for a process that has worked
   * before: then only refused credentials end it.
   */
  async run(signal: AbortSignal, hasWorked = false): Promise<void> {
    const watching = new AbortController();
    const polled = new AbortController();
    const work = runAll(
      signal,
      // Also while Prefect does not answer: a Job that is deleted then is remembered.
      (s) => this.#shared.view.run(AbortSignal.any([s, watching.signal])),
      async (s) => {
        await this.#register(s, hasWorked);
        if (s.aborted) return;
        await runAll(
          s,
          (registered) => this.#controller.run(AbortSignal.any([registered, watching.signal])),
          async (registered) => {
            await this.#launch(registered, polled);
            watching.abort();
          },
        );
      },
    );
    await this.#withinGrace(AbortSignal.any([signal, polled.signal]), work);
  }

  /** Resolves when the work is done, at the latest when the shutdown grace expires after `stopping` aborts. */
  async #withinGrace(stopping: AbortSignal, work: Promise<void>): Promise<void> {
    const { clock, log, settings } = this.#shared;
    const done = new AbortController();
    const grace = async (): Promise<void> => {
      await aborted(AbortSignal.any([stopping, done.signal]));
      await clock.sleep(settings.shutdownGraceMs, done.signal);
      // Rejects if the work has failed.
      if (done.signal.aborted) return work;
      log.warn("Shutdown grace expired with submissions in flight: the next agent will finish them");
    };
    await Promise.race([work.finally(() => done.abort()), grace()]);
  }

  /**
   * Polls until the signal aborts, or until maxPolls are done, and then aborts `polled`. Finishes submissions in flight; those
   * that wait for their start time are left to the next agent.
   */
  async #launch(signal: AbortSignal, polled: AbortController): Promise<void> {
    const { view, log, others, inFlight } = this.#shared;
    await Promise.race([view.synced(), aborted(signal)]);
    if (signal.aborted) return;
    log.info("Waiting for flow runs...");
    await runAll(
      AbortSignal.any([signal, polled.signal]),
      async (s) => {
        await this.#poller.run(s);
        polled.abort();
      },
      (s) => this.#recovery.run(s),
      (s) => this.#submitter.waiting.run(s),
      (s) => others.run(s),
    );
    if (inFlight.size > 0) log.info("Finishing submissions in flight", { count: inFlight.size });
    await inFlight.drained();
  }

  async #register(signal: AbortSignal, hasWorked: boolean): Promise<void> {
    const { work, log, settings } = this.#shared;
    log.info("Registering agent...");
    const deps = hasWorked ? { ...this.#shared, isFinal: () => false } : this.#shared;
    const id = await untilAnswered("Prefect API", deps, signal, () => work.register(signal));
    if (id === undefined) return;
    log.info("Registration successful!", { agent: id });
    log.info(`Starting KubernetesAgent with labels ${JSON.stringify(settings.labels)}`);
  }
}
