// The agent of a soak test: a process from the sources, with a probe for its memory.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Usage } from "./probe.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The agent's cluster, Prefect API and log file. */
export interface SoakedOptions {
  readonly kubeconfig: string;
  readonly api: string;
  readonly logFile: string;
}

/** The agent process. */
export class SoakedAgent {
  readonly #child: ChildProcess;

  constructor({ kubeconfig, api, logFile }: SoakedOptions) {
    const node = ["--expose-gc", "--import", join(ROOT, "scripts", "soak", "probe.ts")];
    const args = ["agent", "start", "-b", "server", "-a", api, "--start-grace=2s"];
    this.#child = spawn(process.execPath, [...node, join(ROOT, "src", "main.ts"), ...args], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const log = createWriteStream(logFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
  }

  /** Its current memory and processor time. Throws if it has ended. */
  async usage(): Promise<Usage> {
    if (!this.#child.connected) throw new Error("the agent has ended, see its log");
    this.#child.send("usage?");
    const [usage] = (await once(this.#child, "message")) as [Usage];
    return usage;
  }

  /** Sends SIGTERM; returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = (await ended) as [number | null];
    return code;
  }
}
