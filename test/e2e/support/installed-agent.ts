// An agent that `kubectl prefect install … | kubectl apply -f -` has put into the cluster, and what can be asked of it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { kubectl, mustKubectl } from "./kubectl.ts";

const PODS = "app=prefect-agent";

/** What a pod says of itself, as far as tests look. */
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
  /** By pod: its log from the first line on. */
  readonly #listeners = new Map<string, ChildProcess>();
  readonly #lines: string[] = [];

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Pipes what install prints into kubectl apply, and waits until the pods are Ready. */
  async install(flags: readonly string[], applyFlags: readonly string[] = []): Promise<void> {
    const manifests = mustKubectl(["prefect", "install", ...flags]);
    mustKubectl(["apply", ...applyFlags, "-f", "-"], manifests);
    await this.untilRolledOut();
  }

  /**
   * Waits until as many pods as there are to be are Ready, and the old ones are on their way out. Meanwhile the Prefect of
   * this process must be able to answer them.
   */
  async untilRolledOut(): Promise<void> {
    const rollout = ["rollout", "status", "deployment/prefect-agent", "-n", this.#namespace];
    const child = spawn("kubectl", [...rollout, "--timeout=180s"], { stdio: "ignore" });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`the agent is not Ready: ${this.#story()}`);
    for (const { metadata } of this.pods()) this.#listen(metadata.name);
  }

  /** New pods take the place of the old ones. */
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

  /** All that its pods have said, those included that are gone. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  stopListening(): void {
    for (const child of this.#listeners.values()) child.kill();
  }

  #story(): string {
    const logs = ["logs", "-l", PODS, "-n", this.#namespace, "--all-containers", "--tail=20"];
    const said = kubectl(logs);
    return `${JSON.stringify(this.pods().map(({ status }) => status))}\n${said.stdout}${said.stderr}`;
  }

  #listen(pod: string): void {
    if (this.#listeners.has(pod)) return;
    const child = spawn("kubectl", ["logs", "-f", pod, "-c", "agent", "-n", this.#namespace], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#lines.push(line));
    this.#listeners.set(pod, child);
  }
}
