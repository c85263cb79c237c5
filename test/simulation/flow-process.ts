// A flow's own process in its pod: it sets states, sends heartbeats, ends itself when it is cancelled, and exits as its
// run's outcome says.

import { isFinished } from "../../src/prefect1/states.ts";
import type { FakeKubernetes } from "../fakes/kubernetes/fake-kubernetes.ts";
import { asPod, timestamp } from "../fakes/kubernetes/kube-object.ts";
import { terminated } from "../fakes/kubernetes/pod-status.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FlowObjects } from "./flow-objects.ts";
import type { RunFact } from "./facts.ts";
import type { Outcome } from "./plan.ts";
import type { VirtualTime } from "./virtual-time.ts";

const TICK_MS = 5_000;
const TICKS_BETWEEN_HEARTBEATS = 6;
const RETRY_MS = 40_000;

export interface FlowProcessDeps {
  readonly time: VirtualTime;
  readonly kube: FakeKubernetes;
  readonly prefect: FakePrefect1;
  readonly run: RunFact;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly outcome: Outcome;
  /** Runs the function as the flow. */
  readonly act: (run: () => void) => void;
  /** A reason for the run to fail has come up. */
  readonly onCause: (what: string) => void;
  /** Whether it ended with its node. */
  readonly isLost: () => boolean;
  readonly objects: FlowObjects;
}

/** Exit codes of processes that say nothing to Prefect. */
const CRASHES: Readonly<Partial<Record<Outcome, { readonly exitCode: number; readonly reason?: string }>>> = {
  crashes: { exitCode: 1 },
  "runs out of memory": { exitCode: 137, reason: "OOMKilled" },
};

export class FlowProcess {
  readonly #deps: FlowProcessDeps;
  #ticks = 0;
  #isOver = false;

  constructor(deps: FlowProcessDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { time, run, prefect, outcome } = this.#deps;
    const state = this.#state();
    if (state === undefined || isFinished(state)) return this.#exitSoon();
    if (state === "Cancelling") return this.#cancelled();
    if (state !== "Running") this.#set("Running");
    prefect.heartbeat(run.id);
    this.#deps.objects.make();
    time.after(TICK_MS, () => this.#tick());
    if (outcome !== "never ends") time.after(run.plan.runS * 1_000, () => this.#end());
  }

  #tick(): void {
    if (!this.#isAlive()) return;
    const { time, run, prefect, outcome } = this.#deps;
    const state = this.#state();
    if (state === "Cancelling" && outcome !== "ignores its cancellation") return this.#cancelled();
    if (state === "Running" && ++this.#ticks % TICKS_BETWEEN_HEARTBEATS === 0) prefect.heartbeat(run.id);
    time.after(TICK_MS, () => this.#tick());
  }

  #end(): void {
    if (!this.#isAlive()) return;
    const { outcome, onCause } = this.#deps;
    const crash = CRASHES[outcome];
    if (crash !== undefined) {
      onCause(`its container exits with code ${crash.exitCode}`);
      return this.#exit(crash);
    }
    this.#deps.objects.close();
    const state = this.#state();
    if (state === "Running" || state === "Cancelling") {
      if (outcome === "fails itself") this.#set("Failed", "Some reference tasks failed.");
      else if (outcome === "retries a task" && this.#retries()) return this.#exitSoon();
      else if (outcome !== "ends without a word") this.#set("Success");
    }
    this.#exitSoon();
  }

  /** Whether the run waits for another attempt of its task now. */
  #retries(): boolean {
    const { run, prefect, time, act } = this.#deps;
    const [task] = prefect.taskRuns(run.id);
    if (task === undefined) return false;
    const isFirst = task.state === "Pending";
    const at = new Date(time.nowMs + RETRY_MS).toISOString();
    act(() =>
      prefect.setTaskState(
        task.id,
        isFirst ? { type: "Retrying", start_time: at, run_count: 1 } : { type: "Success" },
      ),
    );
    return isFirst;
  }

  #cancelled(): void {
    this.#set("Cancelled");
    this.#exitSoon();
  }

  #exitSoon(): void {
    this.#deps.time.after(500, () => {
      if (this.#isAlive()) this.#exit({ exitCode: 0 });
    });
  }

  #exit(how: { readonly exitCode: number; readonly reason?: string }): void {
    this.#isOver = true;
    const { kube, pod, time, act } = this.#deps;
    const current = kube.get("pods", pod.namespace, pod.name);
    if (current === undefined) return;
    const status = terminated(asPod(current), timestamp(new Date(time.nowMs)), how);
    act(() => void kube.put("pods", { ...current, status: { ...current.status, ...status } }));
  }

  #isAlive(): boolean {
    if (this.#isOver || this.#deps.isLost()) return false;
    const { kube, pod } = this.#deps;
    const current = kube.get("pods", pod.namespace, pod.name);
    const { deletionTimestamp, uid } = current?.metadata ?? {};
    return uid === pod.uid && deletionTimestamp === undefined && current?.status?.["phase"] === "Running";
  }

  #state(): string | undefined {
    return this.#deps.prefect.flowRun(this.#deps.run.id)?.state ?? undefined;
  }

  #set(type: string, message?: string): void {
    const { prefect, run, act } = this.#deps;
    act(() => prefect.setState(run.id, { type, ...(message === undefined ? {} : { message }) }));
  }
}
