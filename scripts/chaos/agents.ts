// Agent processes, which are killed and restarted.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { EventLog } from "./event-log.ts";
import { Memory } from "./memory.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OPTIONS = ["--start-grace=3s", "--shutdown-grace=10s", "--log-level=DEBUG"];
/** The grace period, plus time for a busy machine. */
const END_TIMEOUT_MS = 15_000;

export interface AgentOptions {
  /** The command: the executable, or Node with the sources. */
  readonly command: readonly string[];
  readonly kubeconfig: string;
  readonly api: string;
  readonly eventLog: EventLog;
}

/** The executable of `npm run build`, or else the sources. */
export function builtAgent(): readonly string[] {
  const executable = join(ROOT, "dist", "kubectl-prefect");
  return existsSync(executable) ? [executable] : [process.execPath, join(ROOT, "src", "main.ts")];
}

/** The agents that should run, by slot. */
export class Agents {
  readonly #options: AgentOptions;
  readonly #running = new Map<string, ChildProcess>();
  /** Settles when a process has printed something: before, it does not handle signals. */
  readonly #started = new WeakMap<ChildProcess, Promise<unknown>>();
  /** Samples of the oldest live process. */
  readonly memory = new Memory();
  starts = 0;
  /** Internal errors, unexpected exits, and late or failed shutdowns. */
  readonly problems: string[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  start(slot: string): void {
    if (this.#running.has(slot)) return;
    const { command, kubeconfig, api, eventLog } = this.#options;
    const [file = "", ...first] = command;
    const child = spawn(file, [...first, "agent", "start", "-b", "server", "-a", api, ...OPTIONS], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        eventLog.write(`${slot}:${child.pid}`, line);
        if (/internal error|^\s+at .*\(/.test(line)) this.problems.push(`agent ${slot} printed: ${line}`);
      });
    this.#started.set(child, Promise.race([once(child.stdout, "data"), once(child, "exit")]));
    this.#running.set(slot, child);
    this.starts++;
    child.once("exit", (code, signal) => {
      if (this.#running.get(slot) !== child) return;
      this.#running.delete(slot);
      this.problems.push(`agent ${slot} ended by itself with ${signal ?? `exit code ${code}`}`);
    });
  }

  /** Ends a process and waits for it. After SIGTERM it must exit with 0 within its grace period. */
  async end(slot: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#running.get(slot);
    if (child === undefined) return;
    this.#running.delete(slot);
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (signal === "SIGTERM") await this.#started.get(child);
    const startedMs = performance.now();
    child.kill(signal);
    const code = await exited;
    if (signal === "SIGKILL") return;
    const tookMs = performance.now() - startedMs;
    if (code !== 0) this.problems.push(`agent ${slot} exited after SIGTERM with code ${code}`);
    if (tookMs > END_TIMEOUT_MS)
      this.problems.push(`agent ${slot} took ${Math.round(tookMs / 1_000)} s to end after SIGTERM`);
  }

  async endAll(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await Promise.all([...this.#running.keys()].map((slot) => this.end(slot, signal)));
  }

  /** Records the resident memory of an agent. */
  sample(): void {
    const pid = this.#running.values().next().value?.pid;
    if (pid === undefined || !existsSync(`/proc/${pid}/status`)) return;
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kib !== undefined) this.memory.add(Number(kib) / 1_024);
  }
}
