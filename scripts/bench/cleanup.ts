// cleanup: thousands of finished Jobs, alternating with `kubectl delete`. Both send one request per Job; kubectl waits for each
// response before the next request. On loopback the API server is the limit; with latency, the waiting is.

import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { arrayIn, objectIn } from "../../src/base/json.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement, BenchContext } from "./figure.ts";
import { finishedJobs, pathOf } from "./finished-jobs.ts";
import type { RelayCommands } from "./relay-process.ts";
import { median } from "./statistics.ts";

/** The latency of a cluster a few hundred kilometres away. */
const ROUND_TRIP_MS = 20;
const LABEL = "prefect.io/flow_run_id";
const MAX_OUTPUT = 16 * 1024 * 1024;

interface Setting {
  readonly name: string;
  readonly jobs: number;
  readonly rounds: number;
  readonly roundTripMs: number;
  readonly atLeast: number;
}

const SETTINGS: readonly Setting[] = [
  { name: "cleanup, 20 ms away", jobs: 5_000, rounds: 1, roundTripMs: ROUND_TRIP_MS, atLeast: 5 },
  // Here API server and etcd are the limit: on two processors they need more than 1 ms per deletion.
  { name: "cleanup on loopback", jobs: 2_000, rounds: 3, roundTripMs: 0, atLeast: 2 },
];

interface Round {
  readonly oursMs: number;
  readonly kubectlMs: number;
}

/** How many times faster than kubectl, with latency and on loopback. */
export const cleanup: Figure = {
  name: "cleanup",
  needs: ["cluster"],
  async measure(context) {
    using cluster = await Cluster.of(context.kubeconfig);
    const measurements: Measurement[] = [];
    for (const setting of SETTINGS) measurements.push(await measured(context, cluster, setting));
    return measurements;
  },
};

async function measured(context: BenchContext, cluster: Cluster, setting: Setting): Promise<Measurement> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kubectl-prefect-bench-"));
  await using relay = new Child<RelayCommands>(new URL("relay-process.ts", import.meta.url));
  const kubeconfig = await kubeconfigFor(context, cluster, { folder: folder.path, relay, setting });
  const options = { kubeconfig, home: folder.path, jobs: setting.jobs };
  const rounds: Round[] = [];
  for (let at = 1; at <= setting.rounds; at++) {
    const kubectlMs = await deletion(cluster, options, (namespace) => [
      "kubectl",
      ["delete", "jobs", "-n", namespace, "-l", LABEL, "--wait=false"],
    ]);
    const oursMs = await deletion(cluster, options, (namespace) => [
      context.binary,
      ["cleanup", "-n", namespace, "--jobs", "--older-than", "0s", "--yes"],
    ]);
    rounds.push({ oursMs, kubectlMs });
    context.log(
      `${setting.name}, round ${at} of ${setting.rounds}: kubectl ${kubectlMs} ms, ours ${oursMs} ms`,
    );
  }
  return {
    name: setting.name,
    unit: "s",
    ours: median(rounds.map(({ oursMs }) => oursMs)) / 1_000,
    against: { what: "kubectl delete", value: median(rounds.map(({ kubectlMs }) => kubectlMs)) / 1_000 },
    ratio: median(rounds.map(({ oursMs, kubectlMs }) => kubectlMs / oursMs)),
    bound: { of: "ratio", side: "at least", value: setting.atLeast },
    details: { jobs: setting.jobs, roundTripMs: setting.roundTripMs, rounds },
  };
}

/** How many milliseconds the command takes to delete these Jobs. Throws if it fails or leaves any. */
async function deletion(
  cluster: Cluster,
  { kubeconfig, home, jobs }: { readonly kubeconfig: string; readonly home: string; readonly jobs: number },
  command: (namespace: string) => readonly [program: string, args: readonly string[]],
): Promise<number> {
  await using namespace = await cluster.namespace();
  await finishedJobs(cluster, namespace, { count: jobs });
  const [program, args] = command(namespace.name);
  const startedMs = performance.now();
  // Its own home: kubectl caches the API discovery there.
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, KUBECONFIG: kubeconfig };
  await promisify(execFile)(program, args, { env, maxBuffer: MAX_OUTPUT });
  const ms = Math.round(performance.now() - startedMs);
  await cluster.untilEmpty(pathOf(namespace));
  return ms;
}

/** The current context in one file, with the relay's address if there is latency. */
async function kubeconfigFor(
  { kubeconfig = "" }: BenchContext,
  cluster: Cluster,
  to: { readonly folder: string; readonly relay: Child<RelayCommands>; readonly setting: Setting },
): Promise<string> {
  const args = ["config", "view", "--kubeconfig", kubeconfig, "--minify", "--flatten", "--raw", "-o", "json"];
  const { stdout } = await promisify(execFile)("kubectl", args);
  const config = objectIn(JSON.parse(stdout));
  const path = join(to.folder, "kubeconfig");
  await writeFile(path, JSON.stringify(await withLatency(config, cluster, to)), { mode: 0o600 });
  return path;
}

async function withLatency(
  config: JsonObject,
  { access }: Cluster,
  to: { readonly relay: Child<RelayCommands>; readonly setting: Setting },
): Promise<JsonObject> {
  const { roundTripMs } = to.setting;
  if (roundTripMs === 0) return config;
  const { protocol, hostname, port } = new URL(access.server);
  const upstream = { host: hostname, port: Number(port === "" ? 443 : port) };
  const relayPort = await to.relay.ask("open", { ...upstream, delayMs: roundTripMs / 2 });
  const clusters = arrayIn(config["clusters"]).map((each) => {
    const { name, cluster } = objectIn(each);
    const moved = { server: `${protocol}//127.0.0.1:${relayPort}` };
    return { name, cluster: { "tls-server-name": hostname, ...objectIn(cluster), ...moved } };
  });
  return { ...config, clusters };
}
