// cleanup: thousands of finished Jobs, against `kubectl delete`, in turns. Both send one deletion for each Job; kubectl
// waits for each answer before the next. On loopback two processors are busy with the API server's work, whoever asks for
// it; from a distance the waiting counts.

import { execFile } from "node:child_process";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { arrayIn, objectIn } from "../../src/base/json.ts";
import type { JsonObject } from "../../src/base/json.ts";
import { Child } from "./child.ts";
import { Cluster } from "./cluster.ts";
import type { Figure, Measurement, World } from "./figure.ts";
import { finishedJobs, pathOf } from "./finished-jobs.ts";
import type { RelayCommands } from "./relay-process.ts";
import { median } from "./statistics.ts";

/** What lies between a person and a cluster some hundred kilometres away, there and back. */
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
  // Here API server and etcd set the throttle: two processors take them more than a millisecond for each deletion.
  { name: "cleanup on loopback", jobs: 2_000, rounds: 3, roundTripMs: 0, atLeast: 2 },
];

interface Round {
  readonly oursMs: number;
  readonly kubectlMs: number;
}

/** How many times faster, from a distance and on loopback. */
export const cleanup: Figure = {
  name: "cleanup",
  needs: ["cluster"],
  async measure(world) {
    using cluster = await Cluster.of(world.kubeconfig);
    const measurements: Measurement[] = [];
    for (const setting of SETTINGS) measurements.push(await measured(world, cluster, setting));
    return measurements;
  },
};

async function measured(world: World, cluster: Cluster, setting: Setting): Promise<Measurement> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kubectl-prefect-bench-"));
  await using relay = new Child<RelayCommands>(new URL("relay-process.ts", import.meta.url));
  const kubeconfig = await kubeconfigFor(world, cluster, { folder: folder.path, relay, setting });
  const to = { kubeconfig, home: folder.path, jobs: setting.jobs };
  const rounds: Round[] = [];
  for (let at = 1; at <= setting.rounds; at++) {
    const kubectlMs = await deletion(cluster, to, (namespace) => [
      "kubectl",
      ["delete", "jobs", "-n", namespace, "-l", LABEL, "--wait=false"],
    ]);
    const oursMs = await deletion(cluster, to, (namespace) => [
      world.binary,
      ["cleanup", "-n", namespace, "--jobs", "--older-than", "0s", "--yes"],
    ]);
    rounds.push({ oursMs, kubectlMs });
    world.say(
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

/** Milliseconds that the command takes for as many finished Jobs. Throws when it fails, or leaves any. */
async function deletion(
  cluster: Cluster,
  { kubeconfig, home, jobs }: { readonly kubeconfig: string; readonly home: string; readonly jobs: number },
  command: (namespace: string) => readonly [program: string, args: readonly string[]],
): Promise<number> {
  await using namespace = await cluster.namespace();
  await finishedJobs(cluster, namespace, jobs);
  const [program, args] = command(namespace.name);
  const startedMs = performance.now();
  // A home of its own: kubectl keeps what it has read of the API in there.
  const env = { PATH: process.env["PATH"] ?? "", HOME: home, KUBECONFIG: kubeconfig };
  await promisify(execFile)(program, args, { env, maxBuffer: MAX_OUTPUT });
  const ms = Math.round(performance.now() - startedMs);
  await cluster.untilEmpty(pathOf(namespace));
  return ms;
}

/** The current context with everything in one file, and with the relay's address where there is a distance. */
async function kubeconfigFor(
  { kubeconfig = "" }: World,
  cluster: Cluster,
  to: { readonly folder: string; readonly relay: Child<RelayCommands>; readonly setting: Setting },
): Promise<string> {
  const args = ["config", "view", "--kubeconfig", kubeconfig, "--minify", "--flatten", "--raw", "-o", "json"];
  const { stdout } = await promisify(execFile)("kubectl", args);
  const config = objectIn(JSON.parse(stdout));
  const path = join(to.folder, "kubeconfig");
  await writeFile(path, JSON.stringify(await atDistance(config, cluster, to)), { mode: 0o600 });
  return path;
}

async function atDistance(
  config: JsonObject,
  { access }: Cluster,
  to: { readonly relay: Child<RelayCommands>; readonly setting: Setting },
): Promise<JsonObject> {
  const { roundTripMs } = to.setting;
  if (roundTripMs === 0) return config;
  const { protocol, hostname, port } = new URL(access.server);
  const place = { host: hostname, port: Number(port === "" ? 443 : port) };
  const near = await to.relay.ask("open", { ...place, delayMs: roundTripMs / 2 });
  const clusters = arrayIn(config["clusters"]).map((each) => {
    const { name, cluster } = objectIn(each);
    const moved = { server: `${protocol}//127.0.0.1:${near}` };
    return { name, cluster: { "tls-server-name": hostname, ...objectIn(cluster), ...moved } };
  });
  return { ...config, clusters };
}
