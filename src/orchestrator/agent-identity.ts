// Who an agent is. Prefect tells agents apart by tenant, type, name and labels; so do we. An id is no identity: a new version
// of Prefect is a new id, and deleting an agent's row clears its id from its flow runs (prefect-1 protocol 2.6).

/** An agent of type KubernetesAgent. Any number of processes may be the same agent. */
export interface AgentIdentity {
  /** Undefined: not known, which equals any. */
  readonly tenantId?: string | undefined;
  readonly name: string;
  /** In any order. */
  readonly labels: readonly string[];
}

export interface AgentRow extends AgentIdentity {
  readonly id: string;
  /** When it last polled, by Prefect's clock. */
  readonly lastPolledAt: Date | undefined;
}

/** An agent that has not polled for so many milliseconds counts as gone. */
export const GONE_MS = 300_000;

/** The last poll of each agent by its key, in milliseconds since 1970; an agent may have several rows. 0: it has none. */
export function lastPolls(rows: readonly AgentRow[]): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const row of rows) {
    const key = agentKey(row);
    last.set(key, Math.max(last.get(key) ?? 0, row.lastPolledAt?.getTime() ?? 0));
  }
  return last;
}

export function isSameAgent(one: AgentIdentity, other: AgentIdentity): boolean {
  return isSameTenant(one, other) && agentKey(one) === agentKey(other);
}

export function isSameTenant(one: AgentIdentity, other: AgentIdentity): boolean {
  return one.tenantId === undefined || other.tenantId === undefined || one.tenantId === other.tenantId;
}

/** The same text for the same agent of one tenant. */
export function agentKey({ name, labels }: AgentIdentity): string {
  return JSON.stringify([name, ...labels.toSorted()]);
}

/**
 * Whether an agent with these labels takes a run with those: it has all labels of the run; a run without labels needs an
 * agent without labels (get_runs_in_queue, prefect-1 protocol 2.2).
 */
export function takesRun(agentLabels: readonly string[], runLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0;
  return runLabels.every((label) => agentLabels.includes(label));
}

/** Equal for the same labels in any order: `labels a, b`, `label a`, `no labels`. */
export function labelsText(labels: readonly string[]): string {
  if (labels.length === 0) return "no labels";
  return `${labels.length === 1 ? "label" : "labels"} ${labels.toSorted().join(", ")}`;
}
