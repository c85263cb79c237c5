// The session of the picture: an agent runs some flow runs on fakes, in virtual time; then commands are typed. Each run of it prints
// the same text.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { cliContext } from "../../src/cli/context.ts";
import { run } from "../../src/cli/run.ts";
import type { Target } from "../../src/kube/auth/kubeconfig.ts";
import { KubeApi } from "../../src/kube/client/api.ts";
import { Transport } from "../../src/kube/client/transport.ts";
import { Prefect1Client } from "../../src/prefect1/client.ts";
import { Graphql } from "../../src/prefect1/graphql.ts";
import type { PodScript } from "../../test/fakes/kubernetes/pod-script.ts";
import { projectPath } from "../project.ts";
import { Process } from "../../test/simulation/process.ts";
import { kubeOrigin, prefectOrigin } from "../../test/simulation/origins.ts";
import { World } from "../../test/simulation/world.ts";

export const COLUMNS = 112;

const MINUTE_MS = 60_000;
const COMMANDS: readonly string[] = ["jobs", "inspect train-model", "cancel endless-crawl --now"];

interface PictureRun {
  readonly name: string;
  readonly script: PodScript;
  readonly memoryLimit?: string;
  /** Minutes of virtual time before the next run is created. */
  readonly beforeNext: number;
}

const RUNS: readonly PictureRun[] = [
  { name: "endless-crawl", script: { outcome: "never", startMs: 200 }, beforeNext: 24 },
  {
    name: "train-model",
    script: { outcome: "oom", runMs: 95_000, startMs: 200, log: "loading features\nepoch 1 of 20" },
    memoryLimit: "2Gi",
    beforeNext: 9,
  },
  { name: "nightly-report", script: { outcome: "never", startMs: 200 }, beforeNext: 2 },
  { name: "wrong-image", script: { outcome: "imagePull" }, beforeNext: 0 },
];

/** Loads what commands import only when they use it: that takes real time, in which the virtual one would pass. */
async function loadAllModules(): Promise<void> {
  const sources = projectPath("src");
  const files = await readdir(sources, { recursive: true });
  const modules = files.filter((name) => name.endsWith(".ts") && name !== "main.ts");
  await Promise.all(modules.map((name) => import(join(sources, name))));
}

/** What the terminal shows, with its colours. */
export async function recordSession(): Promise<string> {
  await loadAllModules();
  const world = new World();
  try {
    world.start({ labels: ["k8s"], flags: { deleteFailedAfter: "24h" } });
    await world.time.pass(MINUTE_MS);
    for (const { name, script, memoryLimit, beforeNext } of RUNS) {
      const flow = world.prefect.createFlow({ name });
      const runConfig = {
        type: "KubernetesRun",
        ...(memoryLimit === undefined ? {} : { memory_limit: memoryLimit }),
      };
      const { id } = world.prefect.createFlowRun({ flow, name, labels: ["k8s"], runConfig });
      world.scripts.set(id, script);
      await world.time.pass(20_000 + beforeNext * MINUTE_MS);
    }
    let shown = "";
    for (const command of COMMANDS)
      shown += `\u001B[1m$ kubectl prefect ${command}\u001B[22m\n${await typed(world, command)}\n`;
    return shown.trimEnd();
  } finally {
    world.close();
  }
}

/** What the command prints on both streams. */
async function typed(world: World, command: string): Promise<string> {
  const process = new Process(world.time, world.random);
  const { clock } = process;
  const http = world.network.clientOf(process);
  const nowMs = (): number => clock.ticks();
  const written: string[] = [];
  const recorder = (): Writable =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written.push(chunk.toString("utf8"));
        done();
      },
    });
  const context = cliContext({
    clock,
    env: { PREFECT__BACKEND: "server", PREFECT__CLOUD__API: prefectOrigin(0) },
    home: undefined,
    readFile: () => undefined,
    userAgent: "picture",
    stdin: Readable.from([]),
    stdout: Object.assign(recorder(), { isTTY: true, columns: COLUMNS, rows: 60 }),
    // No terminal: a picture has no place for progress that is overwritten.
    stderr: recorder(),
    isInteractive: false,
    signal: new AbortController().signal,
  });
  const transport = new Transport({
    server: kubeOrigin(0),
    http,
    nowMs,
    credentials: { headers: () => Promise.resolve({}), tls: () => Promise.resolve({}), refresh: () => false },
    timeoutMs: 30_000,
    userAgent: "picture",
  });
  const graphql = new Graphql({ url: prefectOrigin(0), http, nowMs, timeoutMs: 15_000 });
  const ended = run(command.split(" "), {
    ...context,
    connectKube: () =>
      Promise.resolve({
        kube: new KubeApi(transport, kubeOrigin(0), "ca-0"),
        target: { namespace: "default" } as Target,
      }),
    connectPrefect: () => Promise.resolve(new Prefect1Client(graphql, "server")),
  });
  let isOver = false;
  void ended.then(() => (isOver = true));
  await world.time.until(() => isOver, 10 * MINUTE_MS);
  return written.join("");
}
