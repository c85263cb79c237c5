// Agents as processes, to be killed and started again.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
const BINARY = join(ROOT, "dist", "kubectl-prefect");

export interface AgentOptions {
  readonly kubeconfig: string;
  readonly api: string;
  /** Where the agents' own log goes. */
  readonly logFile: string;
}

/** The agents that are meant to run, by slot. */
export class Agents {
  readonly #options: AgentOptions;
  readonly #running = new Map<string, ChildProcess>();
  readonly #log;
  /** Resident memory, in MiB, of the oldest process alive at each sample. */
  readonly memory: number[] = [];
  starts = 0;
  /** Exit codes other than 0, of processes that nobody killed. */
  readonly deaths: string[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#log = createWriteStream(options.logFile, { flags: "a" });
  }

  get size(): number {
    return this.#running.size;
  }

  start(slot: string): void {
    if (this.#running.has(slot)) return;
    const { kubeconfig, api } = this.#options;
    const words = [
      "agent",
      "start",
      "-b",
      "server",
      "-a",
      api,
      "--start-grace",
      "3s",
      "--log-level",
      "DEBUG",
    ];
    const [file, args] = existsSync(BINARY)
      ? [BINARY, words]
      : [process.execPath, [join(ROOT, "src", "main.ts"), ...words]];
    const child = spawn(file, args, {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.pipe(this.#log, { end: false });
    child.stderr.pipe(this.#log, { end: false });
    this.#running.set(slot, child);
    this.starts++;
    child.once("exit", (code, signal) => {
      if (this.#running.get(slot) !== child) return;
      this.#running.delete(slot);
      if (signal === null && code !== 0)
        this.deaths.push(`agent ${slot} ended by itself with exit code ${code}`);
    });
  }

  /** Ends a process so, and waits for its end. */
  async end(slot: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#running.get(slot);
    if (child === undefined) return;
    this.#running.delete(slot);
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async endAll(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await Promise.all([...this.#running.keys()].map((slot) => this.end(slot, signal)));
  }

  /** Notes how much memory an agent has. */
  sample(): void {
    const pid = this.#running.values().next().value?.pid;
    if (pid === undefined || !existsSync(`/proc/${pid}/status`)) return;
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kib !== undefined) this.memory.push(Number(kib) / 1_024);
  }
}
