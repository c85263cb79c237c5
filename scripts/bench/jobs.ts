// jobs: `kubectl prefect jobs`, alternating with `kubectl get jobs`. Without a Prefect API, whose speed is not measured.

import { execFile } from "node:child_process";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement, BenchContext } from "./figure.ts";
import { finishedJobs } from "./finished-jobs.ts";
import type { FinishedJobs } from "./finished-jobs.ts";
import { median } from "./statistics.ts";

const WARM_UP = 2;
const MAX_OUTPUT = 64 * 1024 * 1024;

interface Setting {
  readonly name: string;
  readonly jobs: FinishedJobs;
  readonly pairs: number;
  readonly atMost: number;
}

const SETTINGS: readonly Setting[] = [
  { name: "jobs, 10 of them", jobs: { count: 10 }, pairs: 15, atMost: 2 },
  { name: "jobs, 5,000 of them", jobs: { count: 5_000 }, pairs: 7, atMost: 1 },
  { name: "jobs, 5,000 of one run", jobs: { count: 5_000, ofOneRun: true }, pairs: 5, atMost: 1 },
  { name: "jobs, 10,000 with pods", jobs: { count: 10_000, withPods: true }, pairs: 5, atMost: 1 },
];

/** How long the tables take. */
export const jobs: Figure = {
  name: "jobs",
  needs: ["cluster"],
  async measure(context) {
    using cluster = await Cluster.of(context.kubeconfig);
    const measurements: Measurement[] = [];
    for (const setting of SETTINGS) measurements.push(await measured(context, cluster, setting));
    return measurements;
  },
};

async function measured(context: BenchContext, cluster: Cluster, setting: Setting): Promise<Measurement> {
  await using home = await mkdtempDisposable(join(tmpdir(), "kubectl-prefect-bench-"));
  await using namespace = await cluster.namespace();
  await finishedJobs(cluster, namespace, setting.jobs);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home.path,
    KUBECONFIG: context.kubeconfig ?? "",
  };
  const runMs = async (program: string, args: readonly string[]): Promise<number> => {
    const startedMs = performance.now();
    const options = { env, maxBuffer: MAX_OUTPUT };
    const { stdout } = await promisify(execFile)(program, [...args, "-n", namespace.name], options);
    const ms = performance.now() - startedMs;
    const lines = stdout.trimEnd().split("\n").length;
    const { count } = setting.jobs;
    if (lines !== count + 1) throw new Error(`${program} shows ${lines - 1} of ${count} Jobs`);
    return ms;
  };
  const pairs: { readonly kubectl: number; readonly ours: number }[] = [];
  for (let at = 0; at < WARM_UP + setting.pairs; at++) {
    const kubectl = await runMs("kubectl", ["get", "jobs"]);
    const ours = await runMs(context.binary, ["jobs"]);
    if (at >= WARM_UP) pairs.push({ kubectl, ours });
  }
  return {
    name: setting.name,
    unit: "ms",
    ours: median(pairs.map(({ ours }) => ours)),
    against: { what: "kubectl get", value: median(pairs.map(({ kubectl }) => kubectl)) },
    ratio: median(pairs.map(({ ours, kubectl }) => ours / kubectl)),
    bound: { of: "ratio", side: "at most", value: setting.atMost },
    details: { jobs: setting.jobs, pairs },
  };
}
