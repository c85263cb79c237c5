// Agents and flow runs for the tests of doctor's checks, and findings as text.

import type { Finding } from "../../src/doctor/finding.ts";
import type { ContainerStatus } from "../../src/kube/client/objects.ts";
import type { AgentRow } from "../../src/orchestrator/agent-identity.ts";
import type { DueRun, StalledRun } from "../../src/prefect1/doctor-queries.ts";
import { installedAgent } from "../../src/prefect1/installed-agent.ts";
import type { InstalledAgent } from "../../src/prefect1/installed-agent.ts";
import { pod, T0 } from "../job/observed-jobs.ts";

/** Five minutes after all pods and Jobs were created. */
export const NOW = new Date(T0.getTime() + 300_000);

export function secondsAgo(seconds: number): Date {
  return new Date(NOW.getTime() - seconds * 1_000);
}

/** Its pod is ready, unless `status` says otherwise. */
export function installed(
  name: string,
  labels: readonly string[],
  status: Partial<ContainerStatus> = { ready: true, state: { running: {} } },
): InstalledAgent {
  const args = ["agent", "start", `--name=${name}`, ...labels.map((label) => `--label=${label}`)];
  const containerStatuses = [{ name: "agent", ready: false, restartCount: 0, ...status }];
  const change = {
    metadata: { name: `${name}-pod` },
    spec: { serviceAccountName: "prefect-agent", containers: [{ name: "agent", args }] },
    status: { phase: "Running", containerStatuses },
  };
  return installedAgent(pod(change), {});
}

export function registered(
  name: string,
  labels: readonly string[],
  polledSecondsAgo: number | undefined = 5,
): AgentRow {
  return { id: name, name, labels, lastPolledAt: secondsAgo(polledSecondsAgo) };
}

export function due(name: string, labels: readonly string[], dueSecondsAgo = 300): DueRun {
  return { name, labels, dueAt: secondsAgo(dueSecondsAgo) };
}

export function stalled(change: Partial<StalledRun>): StalledRun {
  return {
    id: "a",
    name: "a",
    state: "Running",
    stateAt: secondsAgo(900),
    heartbeatAt: secondsAgo(900),
    timesResurrected: 0,
    lazarusEnabled: true,
    place: undefined,
    ...change,
  };
}

/** `broken due flow runs: …` */
export function lines(findings: readonly Finding[]): string[] {
  return findings.map(({ status, check, message }) => `${status} ${check}: ${message}`);
}
