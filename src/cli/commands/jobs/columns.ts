// The columns of `jobs`.

import { runStateText } from "../../../inventory/job-row.ts";
import { isUuid } from "../../../base/uuid.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { age } from "../../../output/age.ts";
import type { Tone } from "../../../output/palette.ts";
import type { Column } from "../../../output/table.ts";
import { isFailed, isFinished } from "../../../orchestrator/flow-run.ts";

const SHORT_ID = 8;
const ORDERED_ID = 13;
/** The position of the version digit in a UUID. */
const VERSION_AT = 14;

/** The colour of each status. */
const TONES: Readonly<Record<string, Tone>> = {
  active: "good",
  pending: "quiet",
  stuck: "bad",
  failed: "bad",
  finished: "stale",
  orphaned: "stale",
  cancelled: "stale",
};

/** The columns; NAMESPACE comes first with --all-namespaces. */
export function listColumns(now: () => Date, allNamespaces: boolean): readonly Column<ListRow>[] {
  const namespace: Column<ListRow> = { header: "NAMESPACE", value: (row) => row.namespace };
  return [
    ...(allNamespaces ? [namespace] : []),
    { header: "FLOW RUN", value: ({ run }) => run?.name },
    { header: "ID", value: ({ run }) => (run?.flowRunId ? shortId(run.flowRunId) : undefined) },
    { header: "STATE", value: ({ run }) => (run ? runStateText(run) : undefined), colour: stateTone },
    { header: "JOB", value: shortName },
    { header: "PODS", value: ({ pods }) => pods },
    { header: "RESTARTS", value: ({ restarts }) => restarts },
    { header: "AGE", value: ({ createdAt }) => age(createdAt, now()) },
    {
      header: "STATUS",
      value: ({ decision }) => decision.status,
      colour: ({ decision }) => TONES[decision.status],
    },
    { header: "NODE", wide: true, value: ({ node }) => node },
    { header: "IMAGE", wide: true, value: ({ image }) => image },
    { header: "FLOW RUN ID", wide: true, value: ({ run }) => run?.flowRunId },
    { header: "REASON", wide: true, value: ({ decision }) => decision.reason },
  ];
}

/**
 * A prefix that tells ids apart. Newer ids of Prefect 3 (UUID version 7) start with a timestamp: the first 8 digits are
 * the same for a minute, so the next group is shown too.
 */
function shortId(id: string): string {
  return id.slice(0, id.charAt(VERSION_AT) === "7" ? ORDERED_ID : SHORT_ID);
}

/** Dask clusters have the whole id of their run in their name, which makes the table too wide. */
function shortName({ name, run }: ListRow): string {
  if (run === undefined || !isUuid(run.flowRunId)) return name;
  return name.replace(run.flowRunId, `${shortId(run.flowRunId)}…`);
}

function stateTone({ run }: ListRow): Tone | undefined {
  if (run?.status.kind !== "known") return "quiet";
  const { type } = run.status.state;
  if (type === "completed") return "good";
  if (isFailed(type)) return "bad";
  return isFinished(type) ? "stale" : undefined;
}
