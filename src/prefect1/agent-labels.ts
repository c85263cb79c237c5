// Which agent takes which flow run, by labels: the rule of get_runs_in_queue (prefect-1 protocol 2.2).

/** Whether an agent takes a run: it has all labels of the run; a run without labels needs an agent without labels. */
export function agentTakes(agentLabels: readonly string[], runLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0;
  return runLabels.every((label) => agentLabels.includes(label));
}

/** Equal for the same labels in any order: `labels a, b`, `label a`, `no labels`. */
export function labelsText(labels: readonly string[]): string {
  if (labels.length === 0) return "no labels";
  return `${labels.length === 1 ? "label" : "labels"} ${labels.toSorted().join(", ")}`;
}
