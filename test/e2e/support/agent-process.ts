// `kubectl prefect agent start` as a user starts it: the real kubectl, which becomes the built plugin.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { mustKeepSecrets } from "../../support/secrets.ts";

/** How it ended: exit code, or null when a signal did it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `kubectl prefect …`. */
export class PluginProcess {
  readonly #child: ChildProcess;
  readonly #home: string;
  readonly #watchers = new Set<() => void>();
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    // A home of its own: the tester's Prefect configuration is not the test's.
    this.#home = mkdtempSync(join(tmpdir(), "kubectl-prefect-e2e-"));
    this.#child = spawn("kubectl", ["prefect", ...args], {
      env: { ...process.env, HOME: this.#home, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#heard();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#heard();
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code) => {
        rmSync(this.#home, { recursive: true, force: true });
        const said = { stdout: this.#stdout, stderr: this.#stderr };
        try {
          mustKeepSecrets({ argv: args, env, files: kubeconfigOf(env) }, said);
          resolve({ code, ...said });
        } catch (error) {
          reject(error);
        }
        this.#heard();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves when it has said this. Throws with all that it said when it ends first. */
  async says(wanted: string | RegExp): Promise<void> {
    const isSaid = (): boolean =>
      typeof wanted === "string" ? this.#stdout.includes(wanted) : wanted.test(this.#stdout);
    while (!isSaid()) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        const { stdout, stderr } = await this.ended;
        if (isSaid()) return;
        throw new Error(`kubectl prefect ended without entry "${wanted}":\n${stdout}${stderr}`);
      }
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  /** Sends the signal to it. */
  signal(signal: "SIGTERM" | "SIGINT"): void {
    this.#child.kill(signal);
  }

  /** Sends the signal to it, and waits for its end. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGTERM"): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }

  #heard(): void {
    for (const tell of this.#watchers) tell();
    this.#watchers.clear();
  }
}

/** The files of KUBECONFIG, as far as they can be read: their tokens must not be printed. */
function kubeconfigOf(env: Readonly<Record<string, string>>): string[] {
  const { KUBECONFIG = "" } = { ...process.env, ...env };
  const paths = KUBECONFIG.split(delimiter).filter((path) => existsSync(path));
  return paths.map((path) => readFileSync(path, "utf8"));
}

/** Starts an agent and waits until it polls. */
export async function startAgent(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<PluginProcess> {
  const agent = new PluginProcess(["agent", "start", "--backend", "server", ...args], env);
  await agent.says("Waiting for flow runs...");
  return agent;
}

/** Runs a command to its end. */
export function runPlugin(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return new PluginProcess(args, env).ended;
}
