// The watcher: sees both sides of the demo, tells what happens as it happens, and remembers what the ending is judged by.

import type { Clock } from "../../src/base/clock.ts";
import { runAll } from "../../src/base/run-all.ts";
import { flowRunIdOf } from "../../src/job/labels.ts";
import type { KubeApi } from "../../src/kube/client/api.ts";
import type { Job, Pod } from "../../src/kube/client/objects.ts";
import type { Change } from "../../src/kube/cache/reflector.ts";
import { Reflector } from "../../src/kube/cache/reflector.ts";
import { transformJob, transformPod } from "../../src/kube/cache/transform.ts";
import type { Palette } from "../../src/output/palette.ts";
import { isFinished } from "../../src/prefect1/states.ts";
import type { FakePrefect1 } from "../../test/fakes/prefect1/fake-prefect1.ts";
import type { Role } from "./scenarios.ts";
import type { Facts } from "./ending.ts";
import { happeningLines, jobHvent, logHvent, podHvent, stateHvent } from "./events.ts";
import type { Event } from "./events.ts";

/** What the watcher looks at, and where it tells of it. */
export interface SpectatorDeps {
  readonly prefect: FakePrefect1;
  readonly kube: KubeApi;
  readonly namespace: string;
  readonly clock: Clock;
  readonly palette: Palette;
  readonly print: (line: string) => void;
  /** Told of every pod as it is now. */
  readonly onPod: (flowRunId: string, pod: Pod) => void;
  /** Columns for names of runs. */
  readonly nameWidth: number;
}

interface Entry {
  readonly role: Role;
  readonly dueAt: Date;
  readonly jobsMade: Set<string>;
  firstJobAt: Date | undefined;
}

const RELIST_MS = 600_000;

/** Watches from `run` until its signal aborts. */
export class Watcher {
  readonly #deps: SpectatorDeps;
  readonly #startedAt: Date;
  readonly #entries = new Map<string, Entry>();
  readonly #jobs: Reflector<"jobs", Job>;
  readonly #pods: Reflector<"pods", Pod>;
  readonly #cast: number;
  #tellOver: () => void = () => {};
  /** Resolves when every flow run is over and no Job is left. */
  readonly over: Promise<void>;

  /** `cast`: how many flow runs there will be. */
  constructor(deps: SpectatorDeps, cast: number) {
    this.#deps = deps;
    this.#cast = cast;
    this.#startedAt = deps.clock.now();
    this.over = new Promise((resolve) => (this.#tellOver = resolve));
    const { kube, clock, namespace } = deps;
    const shared = { kube, clock, relistMs: RELIST_MS, query: { namespace } };
    this.#jobs = new Reflector({
      ...shared,
      resource: "jobs",
      keep: transformJob,
      onChange: (change) => this.#jobChanged(change),
    });
    this.#pods = new Reflector({
      ...shared,
      resource: "pods",
      keep: transformPod,
      onChange: (change) => this.#podChanged(change),
    });
  }

  /** The role that a flow run plays. */
  roleOf(flowRunId: string): Role | undefined {
    return this.#entries.get(flowRunId)?.role;
  }

  /** A flow run that was created. */
  enter(role: Role, flowRunId: string, dueAt: Date): void {
    this.#entries.set(flowRunId, { role, dueAt, jobsMade: new Set(), firstJobAt: undefined });
  }

  /** Tells of a flow run. */
  tell(flowRunId: string, hvent: Event | undefined): void {
    const entry = this.#entries.get(flowRunId);
    if (entry === undefined || hvent === undefined) return;
    const { palette, nameWidth, print } = this.#deps;
    const run = entry.role.name;
    for (const line of happeningLines(hvent, { sinceMs: this.elapsedMs(), run, nameWidth, palette })) {
      print(line);
    }
  }

  /** Milliseconds since the start. */
  elapsedMs(): number {
    return this.#deps.clock.now().getTime() - this.#startedAt.getTime();
  }

  /** Watches both sides until the signal aborts. Throws what no waiting can mend. */
  async run(signal: AbortSignal): Promise<void> {
    const forget = this.#deps.prefect.on(({ table, id, action }) => {
      if (action === "insert") this.#prefectChanged(table, id);
    });
    try {
      await runAll(
        signal,
        (s) => this.#jobs.run(s),
        (s) => this.#pods.run(s),
      );
    } finally {
      forget();
    }
  }

  /** How things stand, `standing` being the Jobs that there are. */
  facts(standing: readonly Job[]): readonly Facts[] {
    const { prefect } = this.#deps;
    return Array.from(this.#entries, ([id, { role, dueAt, jobsMade, firstJobAt }]) => ({
      role,
      state: prefect.flowRun(id)?.state ?? "missing",
      message: prefect.flowRun(id)?.state_message ?? "",
      log: prefect.logsOf(id).map(({ message }) => message ?? ""),
      jobsMade: [...jobsMade],
      jobsLeft: standing
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
      this.tell(row.flow_run_id, stateHvent(row.state, row.message));
      // The row of the flow run itself is changed after its history.
      queueMicrotask(() => this.#look());
    }
    const line = table === "log" ? log.get(id) : undefined;
    if (line !== undefined) this.tell(line.flow_run_id, logHvent(line));
  }

  #jobChanged(change: Change<Job>): void {
    const id = flowRunIdOf(change.object.metadata) ?? "";
    const entry = this.#entries.get(id);
    entry?.jobsMade.add(change.object.metadata.name);
    if (entry !== undefined) entry.firstJobAt ??= this.#deps.clock.now();
    this.tell(id, jobHvent(change));
    this.#look();
  }

  #podChanged(change: Change<Pod>): void {
    const id = flowRunIdOf(change.object.metadata) ?? "";
    this.tell(id, podHvent(change));
    if (change.type === "set") this.#deps.onPod(id, change.object);
  }

  #look(): void {
    const ids = [...this.#entries.keys()];
    const isOver = (id: string): boolean => isFinished(this.#deps.prefect.flowRun(id)?.state ?? "");
    if (ids.length === this.#cast && this.#jobs.size === 0 && ids.every(isOver)) this.#tellOver();
  }
}
