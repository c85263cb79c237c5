// The agent as users run it: the executable, in its own process, measured from outside.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { ExpectedError } from "../../src/base/errors.ts";
import { freePort } from "../free-port.ts";

export interface AgentStart {
  readonly binary: string;
  readonly prefectUrl: string;
  readonly kubeconfig: string;
  readonly namespace: string;
}

/** The command line of an agent, and the address for `poke`. */
interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly address?: string;
}

/** Linux reports processor time in ticks of this length. */
const MS_PER_TICK = 10;
const READY_TIMEOUT_MS = 30_000;

/** An agent that polls; disposal stops it. */
export class AgentProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #address: string | undefined;
  /** Its output: everything until it was ready, then only stderr. */
  readonly #output: string[] = [];
  readonly #kill: () => void;

  private constructor(process_: ChildProcess, address: string | undefined) {
    this.#process = process_;
    this.#address = address;
    this.pid = process_.pid ?? 0;
    this.#kill = () => void process_.kill("SIGKILL");
    process.once("exit", this.#kill);
  }

  /** Resolves when the agent waits for flow runs. Throws ExpectedError with its output if it ends before. */
  static async start(start: AgentStart): Promise<AgentProcess> {
    const address = `http://127.0.0.1:${await freePort()}`;
    const options = ["--kubeconfig", start.kubeconfig, "-n", start.namespace, "--agent-address", address];
    const args = ["agent", "start", "-b", "server", "-a", start.prefectUrl, ...options];
    // Without the user's configuration: an empty environment and a home that does not exist.
    return AgentProcess.#spawn({ command: start.binary, args, env: { HOME: "/nonexistent" }, address });
  }

  /** Prefect's own agent; `binary` is the `prefect` of its virtual environment. */
  static startOriginal({ binary, prefectUrl, namespace, kubeconfig }: AgentStart): Promise<AgentProcess> {
    const args = ["agent", "kubernetes", "start", "--api", prefectUrl, "--namespace", namespace];
    const env = { HOME: "/nonexistent", KUBECONFIG: kubeconfig, PREFECT__BACKEND: "server" };
    return AgentProcess.#spawn({ command: binary, args, env });
  }

  static async #spawn({ command, args, env, address }: Program): Promise<AgentProcess> {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const agent = new AgentProcess(child, address);
    await agent.#untilReady();
    return agent;
  }

  /** Processor time so far, in milliseconds, with a resolution of 10 ms. */
  cpuMs(): number {
    // The second field is the command in parentheses, which may hold anything.
    const fields = this.#procFile("stat").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  /** Resident memory in MB (10^6 bytes): current and peak. */
  memory(): { readonly nowMb: number; readonly peakMb: number } {
    const status = this.#procFile("status");
    return { nowMb: megabytesIn(status, "VmRSS"), peakMb: peakMbIn(status) };
  }

  /** Makes our agent poll at once; has no effect on Prefect's own agent. */
  async poke(): Promise<void> {
    if (this.#address !== undefined) await fetch(`${this.#address}/api/poke`);
  }

  /** Ends it as a lost node does: it can finish nothing. */
  async kill(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener("exit", this.#kill);
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }

  /** A file of the process in /proc. Throws ExpectedError if the agent has ended. */
  #procFile(file: "stat" | "status"): string {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) return readFileSync(`/proc/${this.pid}/${file}`, "utf8");
    throw new ExpectedError(
      `cannot measure: the agent ended with ${signalCode ?? exitCode}: ${this.#output.at(-1) ?? ""}`,
    );
  }

  async #untilReady(): Promise<void> {
    const { stdout, stderr } = this.#process;
    const output = this.#output;
    if (stdout === null || stderr === null) throw new Error("the agent was started without its output");
    stderr.on("data", (chunk: Buffer) => output.push(String(chunk)));
    const ready = new Promise<void>((resolve, reject) => {
      const lines = createInterface({ input: stdout });
      const read = (line: string): void => {
        output.push(`${line}\n`);
        if (!line.endsWith("Waiting for flow runs...")) return;
        lines.close();
        // Later output is discarded: reading it would take processor time from the measurement.
        stdout.resume();
        resolve();
      };
      lines.on("line", read);
      const fail = (reason: string): void => reject(new ExpectedError(`cannot start the agent: ${reason}`));
      this.#process.once("exit", () => fail(`it ended: ${output.join("")}`));
      void setTimeout(READY_TIMEOUT_MS, undefined, { ref: false }).then(() => fail("it is not ready"));
    });
    await ready;
  }
}

/** The most resident memory of a process so far, in MB; NaN if the text of its status does not say. */
export function peakMbIn(status: string): number {
  return megabytesIn(status, "VmHWM");
}

function megabytesIn(status: string, key: string): number {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(status);
  return (Number(found?.[1]) * 1_024) / 1e6;
}
