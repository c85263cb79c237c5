// What `cleanup` and `cancel` print: the plan as a table or an object, and the results. Pure.

import type { JsonObject } from "../../../base/json.ts";
import { countsText, REMOVABLE } from "../../../cleanup/item.ts";
import type { Kept, OwnerRun, Plan, PlanItem } from "../../../cleanup/item.ts";
import type { ItemResult, Outcome } from "../../../cleanup/sweep.ts";
import { runStateText } from "../../../inventory/job-row.ts";
import { age } from "../../../output/age.ts";
import { toneOf } from "../../../output/palette.ts";
import type { Column } from "../../../output/table.ts";

const SHORT_ID = 8;
const OTHER_OUTCOMES = [
  ["gone", "already gone"],
  ["skipped", "skipped"],
  ["failed", "failed"],
  ["not attempted", "not attempted (interrupted)"],
] as const;

/** The columns of a plan; NAMESPACE comes first when there are several. */
export function planColumns(now: Date, allNamespaces: boolean): readonly Column<PlanItem>[] {
  const namespace: Column<PlanItem> = {
    header: "NAMESPACE",
    value: ({ ref }) => ref.namespace,
    shorten: { at: "middle", to: 10 },
  };
  return [
    ...(allNamespaces ? [namespace] : []),
    { header: "OBJECT", value: nameOf, shorten: { at: "middle", to: 24 } },
    { header: "REASON", value: ({ message }) => message, shorten: { at: "end", to: 30 } },
    { header: "AGE", value: ({ createdAt }) => age(createdAt, now), dropFirst: 2 },
    {
      header: "RUN",
      value: ({ run }) => run && (run.name ?? run.flowRunId.slice(0, SHORT_ID)),
      shorten: { at: "middle", to: 12 },
      dropFirst: 1,
    },
    {
      header: "STATE",
      value: ({ run }) => run && runStateText(run),
      colour: ({ run }) => toneOf(run?.status.state?.type ?? ""),
      dropFirst: 3,
    },
    { header: "DASK CLUSTER", wide: true, value: ({ cluster }) => cluster, dropFirst: 4 },
    { header: "UID", wide: true, value: ({ uid }) => uid, dropFirst: 5 },
  ];
}

/** `job.batch/prefect-job-1a2b`. */
export function nameOf({ resource, ref }: Pick<PlanItem, "resource" | "ref">): string {
  return `${REMOVABLE[resource].kubectl}/${ref.name}`;
}

/** A deletion in kubectl's words. */
export function deletedLine({ resource, ref }: PlanItem, dryRun: boolean): string {
  const how = dryRun ? " (server dry run)" : "";
  return `${REMOVABLE[resource].kubectl} "${ref.name}" deleted from ${ref.namespace} namespace${how}`;
}

export function keptLine({ resource, ref, reason }: Kept): string {
  return `kept: ${nameOf({ resource, ref })} in namespace "${ref.namespace}": ${reason}`;
}

/** One line for each item whose deletion failed, or that was skipped because it has changed since it was planned. */
export function problemLines(done: readonly ItemResult[]): readonly string[] {
  const skipped = done.flatMap(({ item, outcome }) => {
    if (outcome.kind !== "skipped") return [];
    return [`skipped: ${nameOf(item)} in namespace "${item.ref.namespace}": ${outcome.reason}`];
  });
  return [
    ...skipped,
    ...errorLines(done.flatMap(({ outcome }) => (outcome.kind === "failed" ? outcome : []))),
  ];
}

/** One line for each error, then each hint once. */
export function errorLines(
  problems: readonly { readonly error: string; readonly hint?: string | undefined }[],
): readonly string[] {
  const hints = new Set(problems.flatMap(({ hint }) => hint ?? []));
  return [...problems.map(({ error }) => `error: ${error}`), ...[...hints].map((hint) => `hint: ${hint}`)];
}

/** The result in one line. */
export function summary(done: readonly ItemResult[], dryRun: boolean): string {
  const itemsOf = (kind: Outcome["kind"]): readonly PlanItem[] =>
    done.filter(({ outcome }) => outcome.kind === kind).map(({ item }) => item);
  const others = OTHER_OUTCOMES.flatMap(([kind, text]) => {
    const { length } = itemsOf(kind);
    return length === 0 ? [] : [`${length} ${text}`];
  });
  return [`${dryRun ? "would remove" : "removed"} ${countsText(itemsOf("deleted"))}`, ...others].join("; ");
}

/** The plan for -o json and yaml; with the outcome of each item once it was executed, or the API server has checked it. */
export function planObject(plan: Plan, done: readonly ItemResult[], isDryRun: boolean): JsonObject {
  const outcomes = new Map(done.map((each) => [each.item, each.outcome]));
  return {
    items: plan.items.map((item) => {
      const outcome = outcomes.get(item);
      const word = isDryRun && outcome?.kind === "deleted" ? "would be deleted" : outcome?.kind;
      return { ...itemObject(item, outcome), outcome: word };
    }),
    kept: plan.kept.map(({ resource, ref, reason, run }) => ({
      object: nameOf({ resource, ref }),
      namespace: ref.namespace,
      reason,
      ...flowRun(run),
    })),
  };
}

function itemObject(item: PlanItem, outcome: Outcome | undefined): JsonObject {
  const { ref, uid, reason, message, run, cluster, createdAt } = item;
  return {
    object: nameOf(item),
    namespace: ref.namespace,
    name: ref.name,
    uid,
    reason,
    message,
    created: createdAt.toISOString(),
    ...flowRun(run),
    daskCluster: cluster,
    error: outcome?.kind === "failed" ? outcome.error : undefined,
    skipped: outcome?.kind === "skipped" ? outcome.reason : undefined,
  };
}

function flowRun(run: OwnerRun | undefined): JsonObject {
  if (run === undefined) return {};
  return { flowRun: { id: run.flowRunId, name: run.name, state: runStateText(run) } };
}
