// A namespace, and a fake Prefect that its pods can reach: what most end-to-end tests work with, and what they ask of both.

import { vi } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import type { FakePrefect1 } from "../../fakes/prefect1/fake-prefect1.ts";
import { killProcesses, runPlugin, startAgent } from "./agent-process.ts";
import type { PluginProcess, ProcessResult } from "./agent-process.ts";
import { listed, mustKubectl } from "./kubectl.ts";
import type { Listed } from "./kubectl.ts";
import { createNamespace, removeNamespace } from "./namespace.ts";
import { startReachablePrefect } from "./pod-network.ts";
import type { ReachablePrefect } from "./pod-network.ts";
import { SUCCEEDS, shellRun } from "./shell-flow.ts";

/** For what pods do, perhaps on two busy processors. */
const PODS_MS = 180_000;

export class TestSetup {
  readonly namespace: string;
  readonly prefect: FakePrefect1;
  /** Prefect's address for agents and pods. */
  readonly api: string;

  protected constructor({ prefect, api }: ReachablePrefect, namespace: string) {
    this.prefect = prefect;
    this.api = api;
    this.namespace = namespace;
  }

  /** `what`: the beginning of the namespace's name. */
  static async open(what: string): Promise<TestSetup> {
    const reachable = await startReachablePrefect();
    return new TestSetup(reachable, await createNamespace(what));
  }

  /** Kills the processes that tests have started, and removes everything. */
  async close(): Promise<void> {
    await killProcesses();
    await this.prefect.stop();
    removeNamespace(this.namespace);
  }

  /** As flags of kubectl. */
  get namespaceFlags(): readonly string[] {
    return ["-n", this.namespace];
  }

  /** Starts an agent for this Prefect in this namespace, and waits until it polls. */
  startAgent(
    flags: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<PluginProcess> {
    return startAgent(["-a", this.api, ...this.namespaceFlags, ...flags], env);
  }

  /** Runs the real kubectl in this namespace; returns its stdout. Throws its stderr if it fails. */
  kubectl(...args: readonly string[]): string {
    return mustKubectl([...args, ...this.namespaceFlags]);
  }

  /** Runs a command with this Prefect in this namespace. */
  plugin(...args: readonly string[]): Promise<ProcessResult> {
    return runPlugin([...args, ...this.namespaceFlags], this.env);
  }

  /** The variables with which a command finds this Prefect. */
  get env(): Readonly<Record<string, string>> {
    return { PREFECT__CLOUD__API: this.api, PREFECT__BACKEND: "server" };
  }

  /** Creates a due run of a shell script, or with a run config of its own; returns its id. */
  due(run: string | JsonObject = SUCCEEDS, labels: readonly string[] = []): string {
    const runConfig = typeof run === "string" ? shellRun(run) : run;
    const flow = this.prefect.createFlow({ name: "shell" });
    return this.prefect.createFlowRun({ flow, labels, runConfig }).id;
  }

  /** Waits until all these runs are in this state. */
  untilState(ids: string | readonly string[], state: string): Promise<void> {
    return this.prefect.untilState(ids, state, PODS_MS);
  }

  /** The Jobs or pods of the run. */
  ofRun(kind: "jobs" | "pods", id: string): readonly Listed[] {
    return listed(kind, this.namespace).filter(
      ({ metadata }) => metadata.labels?.["prefect.io/flow_run_id"] === id,
    );
  }

  /** Waits until the run, or the whole namespace, has no Job. */
  async untilNoJobs(id?: string): Promise<void> {
    await eventually(() => {
      const jobs = id === undefined ? listed("jobs", this.namespace) : this.ofRun("jobs", id);
      if (jobs.length > 0)
        throw new Error(`${jobs.map(({ metadata }) => metadata.name).join(", ")}: not deleted`);
    });
  }
}

/** Repeats a check, which may ask the cluster, until it passes. */
export async function eventually(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: PODS_MS, interval: 500 });
}
