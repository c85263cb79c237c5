// Who takes which flow run, by labels: get_runs_in_queue's rule (prefect-1 protocol 2.2).

/** Whether an agent with these labels takes a run with those: all of the run's must be the agent's; without any, only an agent without any. */
export function takes(agentLabels: readonly string[], runLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0;
  return missingLabels(agentLabels, runLabels).length === 0;
}

/** What the agent lacks to take the run. */
export function missingLabels(
  agentLabels: readonly string[],
  runLabels: readonly string[],
): readonly string[] {
  return runLabels.filter((label) => !agentLabels.includes(label));
}

/** `labels a, b`, `label a`, `no labels`. */
export function labelWords(labels: readonly string[]): string {
  if (labels.length === 0) return "no labels";
  return `${labels.length === 1 ? "label" : "labels"} ${labels.join(", ")}`;
}

/** What starts an agent with these labels. */
export function startCommand(labels: readonly string[]): string {
  return ["kubectl prefect agent start", ...labels.map((label) => `-l ${quoted(label)}`)].join(" ");
}

function quoted(label: string): string {
  return /^[\w./:@%+=-]+$/.test(label) ? label : `'${label.replaceAll("'", String.raw`'\''`)}'`;
}
