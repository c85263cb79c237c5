// The columns of `jobs`: what a person needs to see which flow run is in problem, and why.

import { runStateText } from "../../../inventory/job-row.ts";
import { isUuid } from "../../../base/uuid.ts";
import type { ListRow } from "../../../inventory/list-row.ts";
import { age } from "../../../output/age.ts";
import type { Tone } from "../../../output/palette.ts";
import type { Column } from "../../../output/table.ts";
import { isFailed, isFinished } from "../../../orchestrator/flow-run.ts";

const SHORT_ID = 8;
const ORDERED_ID = 13;
/** Where a UUID says its version. */
const VERSION_AT = 14;

/** What each decision asks of the reader. */
const TONES: Readonly<Record<string, Tone>> = {
  active: "good",
  pending: "quiet",
  stuck: "bad",
  failed: "bad",
  finished: "stale",
  orphaned: "stale",
  cancelled: "stale",
};

/** The columns, ages up to `now()`; NAMESPACE comes first where rows are of several. */
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
 * As much of an id as tells it from others. Newer ids of Prefect 3 (UUID version 7) begin with the time at which
 * they were made: 8 digits are the same for a minute, the next group makes it a millisecond.
 */
function shortId(id: string): string {
  return id.slice(0, id.charAt(VERSION_AT) === "7" ? ORDERED_ID : SHORT_ID);
}

/** Dask clusters are named by their run's whole id, which would push the decision off a terminal. */
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
