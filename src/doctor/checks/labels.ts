// Which agent takes which flow run, by labels: the rule of get_runs_in_queue (prefect-1 protocol 2.2).

/** Whether an agent takes a run: it has all labels of the run; a run without labels needs an agent without labels. */
export function agentTakes(agentLabels: readonly string[], runLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0;
  return missingLabels(agentLabels, runLabels).length === 0;
}

/** The run's labels that the agent lacks. */
export function missingLabels(
  agentLabels: readonly string[],
  runLabels: readonly string[],
): readonly string[] {
  return runLabels.filter((label) => !agentLabels.includes(label));
}

/** `labels a, b`, `label a`, `no labels`. */
export function labelsText(labels: readonly string[]): string {
  if (labels.length === 0) return "no labels";
  return `${labels.length === 1 ? "label" : "labels"} ${labels.join(", ")}`;
}

/** The command that starts an agent with these labels. */
export function startCommand(labels: readonly string[]): string {
  return ["kubectl prefect agent start", ...labels.map((label) => `-l ${quoted(label)}`)].join(" ");
}

function quoted(label: string): string {
  return /^[\w./:@%+=-]+$/.test(label) ? label : `'${label.replaceAll("'", String.raw`'\''`)}'`;
}
