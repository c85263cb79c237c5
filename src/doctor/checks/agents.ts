// Agents that have registered in Prefect, and whether they are running.

import { formatDuration } from "../../base/duration.ts";
import type { RegisteredAgent } from "../../prefect1/doctor-queries.ts";
import type { Answer } from "../answer.ts";
import { failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted } from "../finding.ts";
import { labelsText, startCommand } from "./labels.ts";

const SECTION = "prefect";
/** Prefect calls an agent healthy if it polled within the last minute. */
const POLLED_WITHIN_MS = 60_000;
const MAX_LISTED = 5;

/** Whether the agent is running: it polls for flow runs. `now`: by the API's clock. */
export function isPolling({ lastPolledAt }: RegisteredAgent, now: Date): boolean {
  return lastPolledAt !== undefined && now.getTime() - lastPolledAt.getTime() <= POLLED_WITHIN_MS;
}

/** The running agents. `labels`: of an agent that should be running, if set. */
export function agentFindings(
  agents: Answer<readonly RegisteredAgent[]>,
  expected: { readonly labels: readonly string[] | undefined; readonly now: Date },
): readonly Finding[] {
  const about = { section: SECTION, check: "agents" } as const;
  if (!agents.ok) return [failedRequestFinding(about, agents.error)];
  const { now, labels } = expected;
  const polling = agents.value.filter((agent) => isPolling(agent, now));
  const data = { agents: agents.value.map((agent) => agentObject(agent, now)) };
  const hint = `start one: ${startCommand(labels ?? [])}; or in the cluster: kubectl prefect install | kubectl apply -f -`;
  const [latest] = agents.value;
  if (latest === undefined) {
    return [
      {
        ...about,
        status: "warning",
        message: "no agent has ever registered, so no flow run starts",
        hint,
        data,
      },
    ];
  }
  if (polling.length === 0) {
    const message = `no agent is running; last seen: ${described(latest, now)}`;
    return [{ ...about, status: "warning", message, hint, data }];
  }
  const shown = polling.slice(0, MAX_LISTED).map((agent) => described(agent, now));
  const more = polling.length > MAX_LISTED ? [`and ${polling.length - MAX_LISTED} more`] : [];
  const gone = agents.value.length - polling.length;
  const others = gone === 0 ? "" : `; ${gone} registered earlier ${gone === 1 ? "is" : "are"} not`;
  const are = polling.length === 1 ? "is" : "are";
  const message = `${counted(polling.length, "agent")} ${are} running${others}`;
  return [
    { ...about, status: "ok", message, details: [...shown, ...more], data },
    ...withLabels(polling, expected),
  ];
}

/** Whether an agent with exactly these labels is running. */
function withLabels(
  polling: readonly RegisteredAgent[],
  { labels, now }: { readonly labels: readonly string[] | undefined; readonly now: Date },
): readonly Finding[] {
  if (labels === undefined) return [];
  const about = { section: SECTION, check: "agent's labels" } as const;
  const wanted = labels.toSorted().join("\n");
  const found = polling.find((agent) => agent.labels.toSorted().join("\n") === wanted);
  if (found !== undefined) return [{ ...about, status: "ok", message: described(found, now) }];
  const message = `no agent with exactly ${labelsText(labels)} is running`;
  return [{ ...about, status: "warning", message, hint: `start it: ${startCommand(labels)}` }];
}

function described(agent: RegisteredAgent, now: Date): string {
  const { name, type, labels, lastPolledAt } = agent;
  const polled =
    lastPolledAt === undefined ? "never polled" : `polled ${durationSince(lastPolledAt, now)} ago`;
  const kind = type === "KubernetesAgent" || type === "" ? "" : ` (${type})`;
  return `"${name}"${kind} with ${labelsText(labels)}, ${polled}`;
}

/** `3h`; `0s` for a time in the future, which another clock may give. */
export function durationSince(then: Date, now: Date): string {
  const ms = now.getTime() - then.getTime();
  return ms < 1_000 ? "0s" : formatDuration(ms);
}

function agentObject(agent: RegisteredAgent, now: Date): Readonly<Record<string, unknown>> {
  const { id, name, type, labels, lastPolledAt } = agent;
  return { id, name, type, labels, lastPolled: lastPolledAt?.toISOString(), polling: isPolling(agent, now) };
}
