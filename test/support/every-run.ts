// A cluster and a Prefect 1 with a flow run of every kind: with and without a Job, due, running and ended.

import { onTestFinished } from "vitest";
import type { JsonObject } from "../../src/base/json.ts";
import { connectPrefect } from "../../src/prefect1/connect.ts";
import { startFakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import type { FakePrefect1 } from "../fakes/prefect1/fake-prefect1.ts";
import { ended, POD, putJob, startTestCluster } from "../inventory/test-cluster.ts";
import type { TestCluster } from "../inventory/test-cluster.ts";
import type { CliInput, CliResult } from "./run-cli.ts";

const POST_MORTEM =
  "Job prefect-job-1a2b3c4d: container 'flow' exited with code 3\n\tpod 'prefect-job-1a2b3c4d-x' on node 'node-1'\nLast lines of container 'flow':\n\tValueError: no rows in table orders";

export interface EveryRun {
  readonly cluster: TestCluster;
  readonly prefect: FakePrefect1;
  /** The id of each run by its name. */
  readonly ids: Readonly<Record<string, string>>;
  /** The variables with which the command line finds this Prefect. */
  readonly env: Readonly<Record<string, string>>;
  /** `kubectl prefect ARGV…` on both. */
  readonly cli: (argv: readonly string[], input?: CliInput) => Promise<CliResult>;
}

/** Runs `works`, `train`, `pulls` and `loaded` have Jobs; `lost`, `gone`, `done`, `due` and `unlabelled` have none. */
export async function everyRun(): Promise<EveryRun> {
  const cluster = await startTestCluster();
  const prefect = await startFakePrefect1();
  onTestFinished(() => prefect.stop());
  const flow = prefect.createFlow({ name: "etl" });
  const ids: Record<string, string> = {};
  const run = (
    name: string,
    state?: JsonObject & { readonly type: string },
    labels: string[] = [],
  ): string => {
    const { id } = prefect.createFlowRun({ flow, name, labels });
    if (state !== undefined) prefect.setState(id, state);
    return (ids[name] = id);
  };
  const job = (name: string, id: string, more: { pod: JsonObject; status?: JsonObject }): void =>
    putJob(cluster, name, { run: id, ...more });
  job("job-works", run("works", { type: "Running" }), { pod: POD.running });
  job("job-train", run("train", { type: "Failed" }), { pod: POD.failed, status: ended("Failed") });
  job("job-pulls", run("pulls", { type: "Submitted" }), { pod: POD.pulling });
  job("job-loaded", run("loaded", { type: "Success" }), { pod: POD.done, status: ended("Complete") });
  const lost = run("lost", {
    type: "Failed",
    message: "Kubernetes Error: container 'flow' exited with code 3",
  });
  prefect.writeLog(lost, {
    name: "agent",
    level: "INFO",
    message: "Submitted for execution: Job prefect-job-1a2b3c4d",
  });
  prefect.writeLog(lost, { name: "k8s-infra", level: "ERROR", message: POST_MORTEM });
  run("gone", { type: "Cancelled" });
  run("done", { type: "Success" });
  run("due", undefined, ["gpu", "eu"]);
  run("unlabelled");
  const env = { PREFECT__CLOUD__API: prefect.url, PREFECT__BACKEND: "server" };
  return {
    cluster,
    prefect,
    ids,
    env,
    cli: (argv, input = {}) => cluster.cli(argv, { ...input, env: { ...env, ...input.env } }),
  };
}

/** An agent with these labels asks for flow runs. */
export async function agentPolls(
  prefect: FakePrefect1,
  name: string,
  labels: readonly string[],
): Promise<void> {
  const client = connectPrefect({ url: prefect.url, backend: "server", timeoutMs: 5_000 }, { env: {} });
  onTestFinished(() => client.close());
  await client.registerAgent({ name, labels });
}
