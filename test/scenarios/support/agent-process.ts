// The agent as its own process, `node src/main.ts agent start`, for tests that kill it or check its exit code.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { assertNoSecretsPrinted } from "../../support/secrets.ts";
import type { Fakes } from "./fakes.ts";
import { freePort } from "../../../scripts/free-port.ts";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");

export interface AgentProcess {
  /** Its stdout and stderr so far. */
  output(): string;
  /** Its exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Resolves when the agent polls. */
  ready(): Promise<void>;
  /** Makes the agent poll at once; has no effect before it is ready. */
  poke(): Promise<void>;
  /** Resolves when the output contains the text. */
  untilPrinted(text: string): Promise<void>;
  signal(name: "SIGTERM" | "SIGINT"): void;
  /** Sends SIGKILL and waits for the end of the process. */
  kill(): Promise<void>;
}

/** Starts the agent against the fakes. It runs until `kill()`, or until it exits. */
export async function startAgentProcess(fakes: Fakes, flags: readonly string[] = []): Promise<AgentProcess> {
  const home = mkdtempSync(join(tmpdir(), "agent-"));
  const kubeconfig = join(home, "kubeconfig");
  writeFileSync(kubeconfig, fakes.kube.kubeconfig());
  const port = await freePort();
  const health = `http://127.0.0.1:${port}`;
  const addresses = [
    `--kubeconfig=${kubeconfig}`,
    `--api=${fakes.prefect.url}`,
    `--agent-address=${health}`,
    "--backend=server",
  ];
  const child = spawn(process.execPath, [MAIN, "agent", "start", "-v", ...addresses, ...flags], {
    env: { HOME: home, PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }
  const untilPrinted = (text: string): Promise<void> =>
    vi.waitFor(() => expect(output).toContain(text), { timeout: 30_000, interval: 20 });
  const ended = once(child, "close").then(([code]) => {
    assertNoSecretsPrinted({ argv: flags, files: [fakes.kube.kubeconfig()] }, { stdout: output, stderr: "" });
    rmSync(home, { recursive: true, force: true });
    return typeof code === "number" ? code : null;
  });
  return {
    output: () => output,
    ended,
    ready: () => untilPrinted("Waiting for flow runs"),
    untilPrinted,
    signal: (name) => void child.kill(name),
    poke: async () => {
      await fetch(`${health}/api/poke`);
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
