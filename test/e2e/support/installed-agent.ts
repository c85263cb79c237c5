// An agent that was installed with `kubectl prefect install … | kubectl apply -f -`: its pods and its log.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { kubectl, mustKubectl } from "./kubectl.ts";

const PODS = "app=prefect-agent";

/** The fields of the agent's pod that tests read. */
interface AgentPod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly { readonly name: string }[];
  };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly restartCount: number;
    }[];
  };
}

/** The Deployment `prefect-agent` of a namespace. */
export class InstalledAgent {
  readonly #namespace: string;
  /** By pod: the process that follows its log. */
  readonly #logFollowers = new Map<string, ChildProcess>();
  readonly #lines: string[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Pipes the output of install into kubectl apply, and waits until the pods are Ready. */
  async install(flags: readonly string[], applyFlags: readonly string[] = []): Promise<void> {
    const manifests = mustKubectl(["prefect", "install", ...flags]);
    mustKubectl(["apply", ...applyFlags, "-f", "-"], manifests);
    await this.untilRolledOut();
  }

  /** Waits for the end of the rollout. Does not block: the fake Prefect in this process must answer the pods. */
  async untilRolledOut(): Promise<void> {
    const rollout = ["rollout", "status", "deployment/prefect-agent", "-n", this.#namespace];
    const child = spawn("kubectl", [...rollout, "--timeout=180s"], { stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`the agent is not Ready: ${this.#diagnostics()}`);
    for (const { metadata } of this.pods()) this.#followLog(metadata.name);
  }

  /** Starts a rollout restart. */
  restart(): void {
    mustKubectl(["rollout", "restart", "deployment/prefect-agent", "-n", this.#namespace]);
  }

  /** Its pods, without those that are being deleted. */
  pods(): readonly AgentPod[] {
    const list = JSON.parse(
      mustKubectl(["get", "pods", "-l", PODS, "-n", this.#namespace, "-o", "json"]),
    ) as { items: AgentPod[] };
    return list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** The log lines of all its pods, deleted ones included. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  stopFollowingLogs(): void {
    for (const child of this.#logFollowers.values()) child.kill();
  }

  #diagnostics(): string {
    const logs = ["logs", "-l", PODS, "-n", this.#namespace, "--all-containers", "--tail=20"];
    const output = kubectl(logs);
    return `${JSON.stringify(this.pods().map(({ status }) => status))}\n${output.stdout}${output.stderr}`;
  }

  #followLog(pod: string): void {
    if (this.#logFollowers.has(pod)) return;
    const child = spawn("kubectl", ["logs", "-f", pod, "-c", "agent", "-n", this.#namespace], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#lines.push(line));
    this.#logFollowers.set(pod, child);
  }
}
