// Due flow runs that have not started: those that the agent should have taken, and those that only other agents could take.

import { timeBetween } from "../../base/duration.ts";
import { isPolling } from "../../inventory/waiting.ts";
import { labelsText, takesRun } from "../../orchestrator/agent-identity.ts";
import type { DueRun } from "../../prefect1/doctor-queries.ts";
import type { ExpectedAgent } from "../context.ts";
import { checkOf, counted, firstOf, type Finding } from "../finding.ts";
import { logCommand } from "./agents.ts";

const { check, broken, ok, warning } = checkOf({ section: "flow runs", check: "due flow runs" });
/** An idle agent polls at least every ten seconds. */
const LATE_AFTER_MS = 60_000;

export const dueRuns = check(async ({ prefect1, expectedAgents, signal }) => {
  const queries = await prefect1.queries();
  const now = prefect1.clock.now();
  const [due, registered, expected] = await Promise.all([
    queries.dueRuns(now, signal),
    prefect1.agents(),
    expectedAgents(),
  ]);
  const running = registered.filter((agent) => isPolling(agent, now));
  return dueRunFindings(due, { expected, running }, now);
});

/** `due`: the oldest first. If no agent is expected, a late run is a warning, whoever could take it. `now`: by the API's clock. */
export function dueRunFindings(
  due: readonly DueRun[],
  { expected, running }: Readonly<Record<"expected" | "running", readonly ExpectedAgent[]>>,
  now: Date,
): readonly Finding[] {
  const overdue = due.filter(({ dueAt }) => now.getTime() - dueAt.getTime() > LATE_AFTER_MS);
  const takers = expected.length > 0 ? expected : running;
  const taker = takers.find((each) => overdue.some((run) => isTakenBy([each], run)));
  const unclaimed = overdue.filter((run) => !isTakenBy([...expected, ...running], run));
  const late = (runs: readonly DueRun[]): string =>
    `${counted(runs.length, "flow run")} late by up to ${timeBetween(runs[0]?.dueAt ?? now, now)}`;
  const details = (runs: readonly DueRun[]) => [firstOf(runs.map(({ name }) => name))];
  const findings: Finding[] = [];
  if (taker !== undefined) {
    const own = overdue.filter((run) => isTakenBy(takers, run));
    const name = taker.installed === undefined ? "an agent" : `"${taker.installed.name}"`;
    const message = `${late(own)}, which ${name} with ${labelsText(taker.labels)} should have taken`;
    const hint = "read the agent's log: it may have reached its --limit, or cannot create Jobs";
    const look = taker.installed && logCommand(taker.installed);
    const report = expected.length > 0 ? broken : warning;
    findings.push(report(message, { details: details(own), hint, look }));
  }
  if (unclaimed.length > 0) {
    const byLabels = [...new Set(unclaimed.map(({ labels }) => labelsText(labels)))].join("; ");
    const hint = "start an agent for them, change their labels, or cancel them";
    const more = { details: details(unclaimed), hint };
    findings.push(warning(`${late(unclaimed)}, and no running agent has: ${byLabels}`, more));
  }
  if (findings.length > 0) return findings;
  return [ok(due.length === 0 ? "none is due" : `${due.length} due, none late`)];
}

function isTakenBy(agents: readonly ExpectedAgent[], run: DueRun): boolean {
  return agents.some(({ labels }) => takesRun(labels, run.labels));
}
