// The agent as its users run it: the executable, in a process of its own, watched from outside.

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

/** A program that waits for flow runs, as a command line, and how it is asked to look at once. */
interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly address?: string;
}

/** Linux counts processor time in these, whatever its clock. */
const MS_PER_TICK = 10;
const READY_WITHIN_MS = 30_000;

/** An agent that polls; it is asked to stop when it is disposed of. */
export class AgentProcess implements AsyncDisposable {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #address: string | undefined;
  /** What it said: all until it was ready, then only errors. */
  readonly #words: string[] = [];
  readonly #kill: () => void;

  private constructor(process_: ChildProcess, address: string | undefined) {
    this.#process = process_;
    this.#address = address;
    this.pid = process_.pid ?? 0;
    this.#kill = () => void process_.kill("SIGKILL");
    process.once("exit", this.#kill);
  }

  /** Resolves when it waits for flow runs. Throws ExpectedError, with its last words, when it ends instead. */
  static async start(start: AgentStart): Promise<AgentProcess> {
    const address = `http://127.0.0.1:${await freePort()}`;
    const places = ["--kubeconfig", start.kubeconfig, "-n", start.namespace, "--agent-address", address];
    const args = ["agent", "start", "-b", "server", "-a", start.prefectUrl, ...places];
    // No configuration of whoever measures: an empty environment, and a home that is not there.
    return AgentProcess.#of({ command: start.binary, args, env: { HOME: "/nonexistent" }, address });
  }

  /** Prefect's own agent; `binary` is the `prefect` of its virtual environment. */
  static startOriginal({ binary, prefectUrl, namespace, kubeconfig }: AgentStart): Promise<AgentProcess> {
    const args = ["agent", "kubernetes", "start", "--api", prefectUrl, "--namespace", namespace];
    const env = { HOME: "/nonexistent", KUBECONFIG: kubeconfig, PREFECT__BACKEND: "server" };
    return AgentProcess.#of({ command: binary, args, env });
  }

  static async #of({ command, args, env, address }: Program): Promise<AgentProcess> {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const agent = new AgentProcess(child, address);
    await agent.#ready();
    return agent;
  }

  /** Processor time so far, in milliseconds; ten of them are the smallest step. */
  cpuMs(): number {
    // The second field is the command in parentheses, which may hold anything.
    const fields = this.#told("stat").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  }

  /** Resident memory in MB (10^6 bytes): now, and the most there ever was. */
  memory(): { readonly nowMb: number; readonly peakMb: number } {
    const status = this.#told("status");
    const megabytes = (key: string): number => {
      const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(status);
      return (Number(found?.[1]) * 1_024) / 1e6;
    };
    return { nowMb: megabytes("VmRSS"), peakMb: megabytes("VmHWM") };
  }

  /** The next poll happens at once; Prefect's own agent polls when it does. */
  async poke(): Promise<void> {
    if (this.#address !== undefined) await fetch(`${this.#address}/api/poke`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.removeListener("exit", this.#kill);
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }

  /** What the kernel tells of it. Throws ExpectedError when it has ended. */
  #told(file: "stat" | "status"): string {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) return readFileSync(`/proc/${this.pid}/${file}`, "utf8");
    throw new ExpectedError(
      `cannot measure: the agent ended with ${signalCode ?? exitCode}: ${this.#words.at(-1) ?? ""}`,
    );
  }

  async #ready(): Promise<void> {
    const { stdout, stderr } = this.#process;
    const words = this.#words;
    if (stdout === null || stderr === null) throw new Error("the agent was started without its output");
    stderr.on("data", (chunk: Buffer) => words.push(String(chunk)));
    const ready = new Promise<void>((resolve, reject) => {
      const lines = createInterface({ input: stdout });
      const read = (line: string): void => {
        words.push(`${line}\n`);
        if (!line.endsWith("Waiting for flow runs...")) return;
        lines.close();
        // What comes later is drained unread: reading it would take processor time from what is measured.
        stdout.resume();
        resolve();
      };
      lines.on("line", read);
      const failed = (why: string): void => reject(new ExpectedError(`cannot start the agent: ${why}`));
      this.#process.once("exit", () => failed(`it ended: ${words.join("")}`));
      void setTimeout(READY_WITHIN_MS, undefined, { ref: false }).then(() => failed("it is not ready"));
    });
    await ready;
  }
}
