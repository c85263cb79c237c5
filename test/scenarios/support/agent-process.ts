// The agent as a process of its own, `node src/main.ts agent start`: to be killed without warning, and for exit codes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, vi } from "vitest";
import { mustKeepSecrets } from "../../support/secrets.ts";
import type { World } from "./world.ts";
import { freePort } from "../../../scripts/free-port.ts";

const MAIN = join(import.meta.dirname, "..", "..", "..", "src", "main.ts");

export interface AgentProcess {
  /** What it wrote to stdout and stderr so far. */
  output(): string;
  /** Its exit code, or null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Resolves when it polls. */
  ready(): Promise<void>;
  /** The next poll happens at once; before it is ready, nothing happens. */
  poke(): Promise<void>;
  /** Resolves when it has said this. */
  says(text: string): Promise<void>;
  signal(name: "SIGTERM" | "SIGINT"): void;
  /** SIGKILL; resolves when it is no more. */
  kill(): Promise<void>;
}

/** Starts the agent against the fakes. It lives until kill(), or until it ends itself. */
export async function startAgentProcess(world: World, flags: readonly string[] = []): Promise<AgentProcess> {
  const home = mkdtempSync(join(tmpdir(), "agent-"));
  const kubeconfig = join(home, "kubeconfig");
  writeFileSync(kubeconfig, world.kube.kubeconfig());
  const port = await freePort();
  const health = `http://127.0.0.1:${port}`;
  const addresses = [
    `--kubeconfig=${kubeconfig}`,
    `--api=${world.prefect.url}`,
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
  const says = (text: string): Promise<void> =>
    vi.waitFor(() => expect(output).toContain(text), { timeout: 30_000, interval: 20 });
  const ended = once(child, "close").then(([code]) => {
    mustKeepSecrets({ argv: flags, files: [world.kube.kubeconfig()] }, { stdout: output, stderr: "" });
    rmSync(home, { recursive: true, force: true });
    return typeof code === "number" ? code : null;
  });
  return {
    output: () => output,
    ended,
    ready: () => says("Waiting for flow runs"),
    says,
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
