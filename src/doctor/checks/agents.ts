// Agents that have registered in Prefect, and whether they still ask for flow runs.

import { formatDuration } from "../../base/duration.ts";
import type { RegisteredAgent } from "../../prefect1/doctor-queries.ts";
import type { Answer } from "../answer.ts";
import { unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted } from "../finding.ts";
import { labelWords, startCommand } from "./labels.ts";

const SECTION = "prefect";
/** Core calls an agent healthy if it polled within the last minute. */
const POLLED_WITHIN_MS = 60_000;
const SHOWN = 5;

/** Whether it asks for flow runs, as Prefect sees it. `now` is the API's clock. */
export function isPolling({ lastPolledAt }: RegisteredAgent, now: Date): boolean {
  return lastPolledAt !== undefined && now.getTime() - lastPolledAt.getTime() <= POLLED_WITHIN_MS;
}

/** How many ask for flow runs, and who. `labels`: those of the agent that somebody means to run, if they were given. */
export function agentFindings(
  agents: Answer<readonly RegisteredAgent[]>,
  given: { readonly labels: readonly string[] | undefined; readonly now: Date },
): readonly Finding[] {
  const about = { section: SECTION, check: "agents" } as const;
  if (!agents.ok) return [unanswered(about, agents.error)];
  const { now, labels } = given;
  const polling = agents.value.filter((agent) => isPolling(agent, now));
  const data = { agents: agents.value.map((agent) => agentObject(agent, now)) };
  const hint = `start one: ${startCommand(labels ?? [])}; or in the cluster: kubectl prefect install | kubectl apply -f -`;
  const [latest] = agents.value;
  if (latest === undefined) {
    return [
      {
        ...about,
        status: "warning",
        message: "none has ever registered: no flow run is picked up",
        hint,
        data,
      },
    ];
  }
  if (polling.length === 0) {
    const message = `none polls now; the last was ${described(latest, now)}`;
    return [{ ...about, status: "warning", message, hint, data }];
  }
  const shown = polling.slice(0, SHOWN).map((agent) => described(agent, now));
  const more = polling.length > SHOWN ? [`and ${polling.length - SHOWN} more`] : [];
  const gone = agents.value.length - polling.length;
  const others =
    gone === 0 ? "" : `; ${counted(gone, "older registration")} no longer ${gone === 1 ? "does" : "do"}`;
  const verb = polling.length === 1 ? "polls" : "poll";
  const message = `${counted(polling.length, "agent")} ${verb}${others}`;
  return [
    { ...about, status: "ok", message, details: [...shown, ...more], data },
    ...withLabels(polling, given),
  ];
}

/** Whether an agent with exactly the given labels is at work. */
function withLabels(
  polling: readonly RegisteredAgent[],
  { labels, now }: { readonly labels: readonly string[] | undefined; readonly now: Date },
): readonly Finding[] {
  if (labels === undefined) return [];
  const about = { section: SECTION, check: "agent's labels" } as const;
  const wanted = labels.toSorted().join("\n");
  const found = polling.find((agent) => agent.labels.toSorted().join("\n") === wanted);
  if (found !== undefined) return [{ ...about, status: "ok", message: described(found, now) }];
  const message = `no agent with exactly ${labelWords(labels)} polls`;
  return [{ ...about, status: "warning", message, hint: `start it: ${startCommand(labels)}` }];
}

function described(agent: RegisteredAgent, now: Date): string {
  const { name, type, labels, lastPolledAt } = agent;
  const polled = lastPolledAt === undefined ? "never polled" : `polled ${since(lastPolledAt, now)} ago`;
  const kind = type === "KubernetesAgent" || type === "" ? "" : ` (${type})`;
  return `"${name}"${kind} with ${labelWords(labels)}, ${polled}`;
}

/** How long ago; a moment that has not come yet by this clock was just now. */
export function since(then: Date, now: Date): string {
  const ms = now.getTime() - then.getTime();
  return ms < 1_000 ? "0s" : formatDuration(ms);
}

function agentObject(agent: RegisteredAgent, now: Date): Readonly<Record<string, unknown>> {
  const { id, name, type, labels, lastPolledAt } = agent;
  return { id, name, type, labels, lastPolled: lastPolledAt?.toISOString(), polling: isPolling(agent, now) };
}
