// Agents as processes, to be killed and started again.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Diary } from "./diary.ts";
import { Memory } from "./memory.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const OPTIONS = ["--start-grace=3s", "--shutdown-grace=10s", "--log-level=DEBUG"];
/** The grace, and a machine that has other work. */
const END_WITHIN_MS = 15_000;

export interface AgentOptions {
  /** What to start: the executable, or Node with the sources. */
  readonly command: readonly string[];
  readonly kubeconfig: string;
  readonly api: string;
  readonly diary: Diary;
}

/** The executable that `npm run build` made; without one the sources. */
export function builtAgent(): readonly string[] {
  const executable = join(ROOT, "dist", "kubectl-prefect");
  return existsSync(executable) ? [executable] : [process.execPath, join(ROOT, "src", "main.ts")];
}

/** The agents that are meant to run, by slot. */
export class Agents {
  readonly #options: AgentOptions;
  readonly #running = new Map<string, ChildProcess>();
  /** Settles when a process has said something: before that it does not listen for signals. */
  readonly #awake = new WeakMap<ChildProcess, Promise<unknown>>();
  /** Of the oldest process alive at each sample, which is hardly ever the same one for long. */
  readonly memory = new Memory();
  starts = 0;
  /** What was wrong with how processes ended that nobody killed. */
  readonly deaths: string[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  start(slot: string): void {
    if (this.#running.has(slot)) return;
    const { command, kubeconfig, api, diary } = this.#options;
    const [file = "", ...first] = command;
    const child = spawn(file, [...first, "agent", "start", "-b", "server", "-a", api, ...OPTIONS], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on("line", (line) => {
        diary.said(`${slot}:${child.pid}`, line);
        if (/internal error|^\s+at .*\(/.test(line)) this.deaths.push(`agent ${slot} said: ${line}`);
      });
    this.#awake.set(child, Promise.race([once(child.stdout, "data"), once(child, "exit")]));
    this.#running.set(slot, child);
    this.starts++;
    child.once("exit", (code, signal) => {
      if (this.#running.get(slot) !== child) return;
      this.#running.delete(slot);
      this.deaths.push(`agent ${slot} ended by itself with ${signal ?? `exit code ${code}`}`);
    });
  }

  /** Ends a process so, and waits for its end. A term is kept with exit code 0 and within its grace. */
  async end(slot: string, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#running.get(slot);
    if (child === undefined) return;
    this.#running.delete(slot);
    const gone = new Promise<number | null>((resolve) => child.once("exit", resolve));
    if (signal === "SIGTERM") await this.#awake.get(child);
    const begun = performance.now();
    child.kill(signal);
    const code = await gone;
    if (signal === "SIGKILL") return;
    const tookMs = performance.now() - begun;
    if (code !== 0) this.deaths.push(`agent ${slot} answered SIGTERM with exit code ${code}`);
    if (tookMs > END_WITHIN_MS)
      this.deaths.push(`agent ${slot} took ${Math.round(tookMs / 1_000)} s to end after SIGTERM`);
  }

  async endAll(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await Promise.all([...this.#running.keys()].map((slot) => this.end(slot, signal)));
  }

  /** Notes how much memory an agent has. */
  sample(): void {
    const pid = this.#running.values().next().value?.pid;
    if (pid === undefined || !existsSync(`/proc/${pid}/status`)) return;
    const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kib !== undefined) this.memory.add(Number(kib) / 1_024);
  }
}
