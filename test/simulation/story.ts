// A failing world as a story for people: who did what when, what was broken, and how to repeat it.

import type { AgentPlan, Plan } from "./plan.ts";
import type { Played } from "./run-plan.ts";

const MAX_LINES = 300;

export function storyOf(seed: number, plan: Plan, { chronicle, violations }: Played): string {
  const lines = chronicle.lines();
  const agents = plan.agents.map((agent, at) => `  agent ${at}: ${agentText(agent)}`);
  const broken = [...new Set(violations.map(({ rule, text }) => `  ${rule}: ${text}`))];
  return [
    `Seed ${seed}, shrunk: Prefect is ${plan.flavour}; ${plan.clusters} cluster(s), ${plan.prefects} Prefect(s).`,
    ...agents,
    "",
    ...lines.slice(0, MAX_LINES),
    ...(lines.length > MAX_LINES ? [`… ${lines.length - MAX_LINES} more lines`] : []),
    "",
    "Broken:",
    ...broken,
    `Again: npm run simulate -- --seed ${seed}; the whole of it: npm run simulate -- --seed ${seed} --trace`,
  ].join("\n");
}

function agentText(agent: AgentPlan): string {
  const { name, labels, cluster, prefect, namespace, replicas, limit, onDisruption, cancelGraceS } = agent;
  const after = (seconds: number | undefined): string =>
    seconds === undefined ? "never" : `after ${seconds} s`;
  const lead = agent.leaderElect ? ", which elect a leader" : "";
  return [
    `"${name}" with labels [${labels.join()}] in ${namespace} of cluster ${cluster}, Prefect ${prefect}`,
    `${replicas} replica(s)${lead}`,
    `deletes succeeded Jobs ${after(agent.deleteSucceededAfterS)}, failed ones ${after(agent.deleteFailedAfterS)}`,
    `on disruption ${onDisruption}; cancel grace ${cancelGraceS} s${limit === undefined ? "" : `; limit ${limit}`}`,
  ].join("; ");
}
