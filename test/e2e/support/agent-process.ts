// The built plugin, started by the real kubectl, as a user starts it.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { assertNoSecretsPrinted } from "../../support/secrets.ts";

/** The result of a process; `code` is null if a signal ended it. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<PluginProcess>();

/** Kills all that run, and waits for their end. */
export async function killProcesses(): Promise<void> {
  await Promise.all([...running].map((each) => each.stop("SIGKILL")));
}

/** A running `kubectl prefect …`. */
export class PluginProcess {
  readonly #child: ChildProcess;
  readonly #home: string;
  readonly #waiters = new Set<() => void>();
  readonly ended: Promise<ProcessResult>;
  #stdout = "";
  #stderr = "";

  /** `program`: another one than the plugin, such as Prefect's own agent. */
  constructor(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    program: readonly [string, ...string[]] = ["kubectl", "prefect"],
  ) {
    // Its own home, without the Prefect configuration of the user who runs the tests.
    this.#home = mkdtempSync(join(tmpdir(), "kubectl-prefect-e2e-"));
    const [command, ...first] = program;
    this.#child = spawn(command, [...first, ...args], {
      env: { ...process.env, HOME: this.#home, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#notifyWaiters();
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#notifyWaiters();
    });
    running.add(this);
    this.ended = new Promise((resolve, reject) => {
      this.#child.on("error", reject);
      this.#child.on("close", (code) => {
        running.delete(this);
        rmSync(this.#home, { recursive: true, force: true });
        const output = { stdout: this.#stdout, stderr: this.#stderr };
        try {
          assertNoSecretsPrinted({ argv: args, env, files: kubeconfigOf(env) }, output);
          resolve({ code, ...output });
        } catch (error) {
          reject(error);
        }
        this.#notifyWaiters();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** Resolves when stdout contains the text. Throws with the whole output if the process ends first. */
  async untilPrinted(text: string | RegExp): Promise<void> {
    const isPrinted = (): boolean =>
      typeof text === "string" ? this.#stdout.includes(text) : text.test(this.#stdout);
    while (!isPrinted()) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        const { stdout, stderr } = await this.ended;
        if (isPrinted()) return;
        throw new Error(`the process ended without printing "${text}":\n${stdout}${stderr}`);
      }
      await new Promise<void>((resolve) => this.#waiters.add(resolve));
    }
  }

  /** Sends the signal. */
  signal(signal: "SIGTERM" | "SIGINT"): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and waits for the end of the process. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGTERM"): Promise<ProcessResult> {
    this.#child.kill(signal);
    return this.ended;
  }

  #notifyWaiters(): void {
    for (const resolve of this.#waiters) resolve();
    this.#waiters.clear();
  }
}

/** The texts of KUBECONFIG's files, whose tokens must not be printed. */
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
  await agent.untilPrinted("Waiting for flow runs...");
  return agent;
}

/** Runs a command to its end. */
export function runPlugin(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessResult> {
  return new PluginProcess(args, env).ended;
}
