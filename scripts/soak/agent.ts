// The agent of a soak: from its sources, in a process of its own, with a probe for its memory.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Needs } from "./probe.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Where it works, and where its own log goes. */
export interface SoakedOptions {
  readonly kubeconfig: string;
  readonly api: string;
  readonly logFile: string;
}

/** One agent process for all of a soak. */
export class SoakedAgent {
  readonly #child: ChildProcess;

  constructor({ kubeconfig, api, logFile }: SoakedOptions) {
    const node = ["--expose-gc", "--import", join(ROOT, "scripts", "soak", "probe.ts")];
    const words = ["agent", "start", "-b", "server", "-a", api, "--start-grace=2s"];
    this.#child = spawn(process.execPath, [...node, join(ROOT, "src", "main.ts"), ...words], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const log = createWriteStream(logFile);
    this.#child.stdout?.pipe(log, { end: false });
    this.#child.stderr?.pipe(log, { end: false });
  }

  /** Throws when it has ended. */
  async needs(): Promise<Needs> {
    if (!this.#child.connected) throw new Error("the agent has ended, see its log");
    this.#child.send("needs?");
    const [needs] = (await once(this.#child, "message")) as [Needs];
    return needs;
  }

  /** Its exit code after SIGTERM. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const [code] = (await ended) as [number | null];
    return code;
  }
}
