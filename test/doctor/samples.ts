// Agents and flow runs of Prefect for the tests of doctor's findings, and findings as text.

import type { Finding } from "../../src/doctor/finding.ts";
import type { DueRun, StalledRun, RegisteredAgent } from "../../src/prefect1/doctor-queries.ts";

export const NOW = new Date("2026-11-21T12:00:00Z");

export function secondsAgo(seconds: number): Date {
  return new Date(NOW.getTime() - seconds * 1_000);
}

export function agent(name: string, labels: readonly string[], polledSecondsAgo = 5): RegisteredAgent {
  return { id: name, name, type: "KubernetesAgent", labels, lastPolledAt: secondsAgo(polledSecondsAgo) };
}

export function due(name: string, labels: readonly string[], dueSecondsAgo = 300): DueRun {
  return { id: name, name, labels, dueAt: secondsAgo(dueSecondsAgo) };
}

export function stalled(name: string, change: Partial<StalledRun> = {}): StalledRun {
  return {
    id: name,
    name,
    state: "Submitted",
    stateAt: secondsAgo(900),
    heartbeatAt: secondsAgo(900),
    timesResurrected: 0,
    lazarusEnabled: true,
    scope: undefined,
    ...change,
  };
}

/** `broken due flow runs: …` */
export function lines(findings: readonly Finding[]): string[] {
  return findings.map(({ status, check, message }) => `${status} ${check}: ${message}`);
}
