// An agent with many live Jobs that do not change. Both APIs are fakes in their own processes.

import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ExpectedError } from "../../src/base/errors.ts";
import { AgentProcess } from "./agent-process.ts";
import { Child } from "./child.ts";
import type { KubeCommands } from "./kube-process.ts";
import type { PrefectCommands } from "./prefect-process.ts";

const POLL_MS = 250;
const WAIT_MS = 300_000;
const RUN_CONFIG = { type: "KubernetesRun", image: "busybox:latest", env: { PIPELINE: "bench" } };

export interface Quiet {
  readonly binary: string;
  /** Options that name both APIs. */
  readonly access: readonly string[];
  readonly agent: AgentProcess;
  /** Starts another agent. */
  readonly start: () => Promise<AgentProcess>;
  readonly prefect: Child<PrefectCommands>;
  readonly kube: Child<KubeCommands>;
  /** Launches flow runs; resolves with their ids when all their pods and runs are Running. */
  readonly fill: (count: number) => Promise<readonly string[]>;
}

/** Starts agent and fakes, measures, and stops them. */
export async function withQuietAgent<T>(binary: string, measure: (quiet: Quiet) => Promise<T>): Promise<T> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "kubectl-prefect-bench-"));
  await using prefect = new Child<PrefectCommands>(new URL("prefect-process.ts", import.meta.url));
  await using kube = new Child<KubeCommands>(new URL("kube-process.ts", import.meta.url));
  const kubeconfig = join(folder.path, "kubeconfig");
  await writeFile(kubeconfig, await kube.ask("kubeconfig", undefined));
  const prefectUrl = await prefect.ask("url", undefined);
  const start = (): Promise<AgentProcess> =>
    AgentProcess.start({ binary, kubeconfig, prefectUrl, namespace: "default" });
  await using agent = await start();
  const fill = async (count: number): Promise<readonly string[]> => {
    const { ids } = await prefect.ask("create", { count, runConfig: RUN_CONFIG });
    await agent.poke();
    await untilRunning(kube, count);
    await prefect.ask("setRunning", ids);
    await prefect.ask("logged", ids);
    return ids;
  };
  const access = ["--kubeconfig", kubeconfig, "-b", "server", "-a", prefectUrl];
  // Awaited, so that the disposal happens afterwards.
  return await measure({ binary, access, agent, start, prefect, kube, fill });
}

async function untilRunning(kube: Child<KubeCommands>, count: number): Promise<void> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    const running = await kube.ask("runningPods", undefined);
    if (running >= count) return;
    if (Date.now() > until) throw new ExpectedError(`cannot wait for ${count} pods: ${running} run`);
    await setTimeout(POLL_MS);
  }
}
