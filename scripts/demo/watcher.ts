// Watches Prefect and the cluster during the demo, prints changes, and collects the results.

import type { Clock } from "../../src/base/clock.ts";
import { runAll } from "../../src/base/run-all.ts";
import { flowRunIdOf } from "../../src/job/labels.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Change } from "../../src/kube/cache/reflector.ts";
import { Reflector } from "../../src/kube/cache/reflector.ts";
import type { Paint } from "../../src/output/palette.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Scenario } from "./scenarios.ts";
import type { RunResult } from "./result.ts";
import { eventLines, jobEvent, logEvent, podEvent, stateEvent } from "./events.ts";
import type { DemoEvent } from "./events.ts";

/** Dependencies of the watcher. */
export interface WatcherDeps {
  readonly prefect: FakePrefect1;
  readonly kube: KubeApi;
  readonly namespace: string;
  readonly clock: Clock;
  readonly paint: Paint;
  readonly print: (line: string) => void;
  /** Called for every change of a pod. */
  readonly onPod: (flowRunId: string, pod: Pod) => void;
  /** Width of the column with the run's name. */
  readonly nameWidth: number;
}

interface Entry {
  readonly scenario: Scenario;
  readonly dueAt: Date;
  readonly jobsMade: Set<string>;
  firstJobAt: Date | undefined;
}

const RELIST_MS = 600_000;

/** Watches while `run` runs. */
export class Watcher {
  readonly #deps: WatcherDeps;
  readonly #startedAt: Date;
  readonly #entries = new Map<string, Entry>();
  readonly #jobs: Reflector<"jobs", Job>;
  readonly #pods: Reflector<"pods", Pod>;
  readonly #runCount: number;
  #markFinished: () => void = () => {};
  /** Resolves when every flow run has finished and no Job is left. */
  readonly finished: Promise<void>;

  /** `runCount`: how many flow runs there will be. */
  constructor(deps: WatcherDeps, runCount: number) {
    this.#deps = deps;
    this.#runCount = runCount;
    this.#startedAt = deps.clock.now();
    this.finished = new Promise((resolve) => (this.#markFinished = resolve));
    const { kube, clock, namespace } = deps;
    const shared = { kube, clock, relistMs: RELIST_MS, query: { namespace } };
    this.#jobs = new Reflector({
      ...shared,
      resource: "jobs",
      transform: (job) => job,
      onChange: (change) => this.#jobChanged(change),
    });
    this.#pods = new Reflector({
      ...shared,
      resource: "pods",
      transform: (pod) => pod,
      onChange: (change) => this.#podChanged(change),
    });
  }

  /** The scenario of a flow run. */
  scenarioOf(flowRunId: string): Scenario | undefined {
    return this.#entries.get(flowRunId)?.scenario;
  }

  /** Adds a created flow run. */
  add(scenario: Scenario, flowRunId: string, dueAt: Date): void {
    this.#entries.set(flowRunId, { scenario, dueAt, jobsMade: new Set(), firstJobAt: undefined });
  }

  /** Prints a change of a flow run. */
  print(flowRunId: string, event: DemoEvent | undefined): void {
    const entry = this.#entries.get(flowRunId);
    if (entry === undefined || event === undefined) return;
    const { paint, nameWidth, print } = this.#deps;
    const run = entry.scenario.name;
    for (const line of eventLines(event, { sinceMs: this.elapsedMs(), run, nameWidth, paint })) {
      print(line);
    }
  }

  /** Milliseconds since the start. */
  elapsedMs(): number {
    return this.#deps.clock.now().getTime() - this.#startedAt.getTime();
  }

  /** Watches until the signal aborts. Throws errors that a retry cannot fix. */
  async run(signal: AbortSignal): Promise<void> {
    const unsubscribe = this.#deps.prefect.on(({ table, id, action }) => {
      if (action === "insert") this.#prefectChanged(table, id);
    });
    try {
      await runAll(
        signal,
        (s) => this.#jobs.run(s),
        (s) => this.#pods.run(s),
      );
    } finally {
      unsubscribe();
    }
  }

  /** The results of all flow runs; `remaining` are the Jobs that still exist. */
  results(remaining: readonly Job[]): readonly RunResult[] {
    const { prefect } = this.#deps;
    return Array.from(this.#entries, ([id, { scenario, dueAt, jobsMade, firstJobAt }]) => ({
      scenario,
      state: prefect.flowRun(id)?.state ?? "missing",
      message: prefect.flowRun(id)?.state_message ?? "",
      log: prefect.logsOf(id).map(({ message }) => message ?? ""),
      jobsMade: [...jobsMade],
      jobsLeft: remaining
        .filter(({ metadata }) => flowRunIdOf(metadata) === id)
        .map(({ metadata }) => metadata.name),
      dueAt,
      firstJobAt,
    }));
  }

  #prefectChanged(table: string, id: string): void {
    const { flow_run_state, log } = this.#deps.prefect.store.tables;
    if (table === "flow_run_state") {
      const row = flow_run_state.get(id);
      if (row === undefined) return;
      this.print(row.flow_run_id, stateEvent(row.state, row.message));
      // The fake updates the flow run's row after its history.
      queueMicrotask(() => this.#checkFinished());
    }
    const line = table === "log" ? log.get(id) : undefined;
    if (line !== undefined) this.print(line.flow_run_id, logEvent(line));
  }

  #jobChanged(change: Change<Job>): void {
    const id = flowRunIdOf(change.object.metadata) ?? "";
    const entry = this.#entries.get(id);
    entry?.jobsMade.add(change.object.metadata.name);
    if (entry !== undefined) entry.firstJobAt ??= this.#deps.clock.now();
    this.print(id, jobEvent(change));
    this.#checkFinished();
  }

  #podChanged(change: Change<Pod>): void {
    const id = flowRunIdOf(change.object.metadata) ?? "";
    this.print(id, podEvent(change));
    if (change.type === "set") this.#deps.onPod(id, change.object);
  }

  #checkFinished(): void {
    const ids = [...this.#entries.keys()];
    const hasFinished = (id: string): boolean => isFinished(this.#deps.prefect.flowRun(id)?.state ?? "");
    if (ids.length === this.#runCount && this.#jobs.size === 0 && ids.every(hasFinished))
      this.#markFinished();
  }
}
