// The columns of `jobs`.

import { runStateText } from "../../../inventory/job-row.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { age } from "../../../output/age.ts";
import { toneOf } from "../../../output/palette.ts";
import type { Tone } from "../../../output/palette.ts";
import type { Column } from "../../../output/table.ts";

const SHORT_ID = 8;
const ORDERED_ID = 13;
/** The position of the version digit in a UUID. */
const VERSION_AT = 14;

/** NAMESPACE, with --all-namespaces; then the columns of every listing. */
export function listColumns(now: () => Date, allNamespaces: boolean): readonly Column<ListRow>[] {
  const namespace: Column<ListRow> = {
    header: "NAMESPACE",
    value: (row) => row.namespace,
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
      colour: stateTone,
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

/**
 * A prefix that tells ids apart. Newer ids of Prefect 3 (UUID version 7) start with a timestamp: the first 8 digits are
 * the same for a minute, so the next group is shown too.
 */
function shortId(id: string): string {
  return id.slice(0, id.charAt(VERSION_AT) === "7" ? ORDERED_ID : SHORT_ID);
}

function stateTone({ run }: ListRow): Tone {
  return run?.status.kind === "known" ? toneOf(run.status.state.type) : "quiet";
}
