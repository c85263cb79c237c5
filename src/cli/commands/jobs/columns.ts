// The columns of `jobs`.

import { runStateText } from "../../../inventory/job-row.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { shortId } from "../../flow-run-ref.ts";
import { age } from "../../../output/age.ts";
import { toneOf } from "../../../output/palette.ts";
import type { Column } from "../../../output/table.ts";

/** NAMESPACE, with --all-namespaces; then the columns of every listing. */
export function listColumns(now: () => Date, allNamespaces: boolean): readonly Column<ListRow>[] {
  const namespace: Column<ListRow> = {
    header: "NAMESPACE",
    value: (row) => row.namespace || undefined,
    shorten: { at: "middle", to: 10 },
  };
  return [
    ...(allNamespaces ? [namespace] : []),
    { header: "FLOW RUN", value: ({ run }) => run?.name, shorten: { at: "middle", to: 12 } },
    {
      header: "ID",
      value: ({ run }) => (run?.flowRunId ? shortId(run.flowRunId) : undefined),
      dropFirst: 1,
    },
    {
      header: "STATE",
      value: ({ run }) => (run ? runStateText(run) : undefined),
      colour: ({ run }) => toneOf(run?.status.state?.type ?? ""),
      dropFirst: 3,
    },
    { header: "JOB", value: ({ name }) => name, shorten: { at: "middle", to: 14 }, dropFirst: 5 },
    { header: "PODS", value: ({ pods }) => pods, shorten: { at: "end", to: 17 }, dropFirst: 2 },
    { header: "RESTARTS", value: ({ restarts }) => restarts, dropFirst: 6 },
    { header: "AGE", value: ({ createdAt }) => age(createdAt, now()), dropFirst: 4 },
    {
      header: "STATUS",
      value: ({ decision }) => decision.status,
      colour: ({ decision }) => toneOf(decision.status),
    },
    { header: "NODE", wide: true, value: ({ node }) => node, dropFirst: 9 },
    { header: "IMAGE", wide: true, value: ({ image }) => image, dropFirst: 8 },
    { header: "FLOW RUN ID", wide: true, value: ({ run }) => run?.flowRunId, dropFirst: 7 },
    {
      header: "REASON",
      wide: true,
      value: ({ decision }) => decision.reason,
      shorten: { at: "end", to: 30 },
    },
  ];
}
