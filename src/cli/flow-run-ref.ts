// RUN on a command line: a flow run's id, a prefix of it, its name, or the Job that runs it.

import { ExpectedError } from "../base/errors.ts";
import { FLOW_RUN_LABEL } from "../job/labels.ts";
import type { KubeApi, ObjectRef } from "../kube/client/api.ts";
import type { PrefectApi } from "../prefect1/api.ts";
import type { FlowRun } from "../prefect1/flow-run.ts";

/** How a flow run was named. */
export type RunRef =
  | { readonly kind: "job"; readonly name: string; readonly text: string }
  | { readonly kind: "run"; readonly idPrefix: string | undefined; readonly text: string };

const ID_LENGTH = 36;
const PREFIX = /^[0-9a-f]{8}(?:-?[0-9a-f]*)*$/i;
const FOUND_AT_MOST = 10;

/** What a RUN means. Any text can be a name; what looks like the beginning of an id may be one as well. */
export function parseRunRef(text: string): RunRef {
  const job = /^jobs?(?:\.batch)?\/(.+)$/.exec(text);
  if (job !== null) return { kind: "job", name: job[1] ?? "", text };
  const isPrefix = text.length <= ID_LENGTH && PREFIX.test(text);
  return { kind: "run", idPrefix: isPrefix ? withHyphens(text) : undefined, text };
}

/** The one flow run. Throws ExpectedError when there is none, or when several have the name. */
export async function findFlowRun(
  prefect: Pick<PrefectApi, "findFlowRuns">,
  ref: RunRef,
  when: { readonly now: Date; readonly signal: AbortSignal },
): Promise<FlowRun> {
  const idPrefix = ref.kind === "run" ? ref.idPrefix : undefined;
  const found = await prefect.findFlowRuns(
    { name: ref.text, idPrefix, now: when.now, limit: FOUND_AT_MOST },
    when.signal,
  );
  const exact = found.find((run) => run.id === ref.text.toLowerCase());
  const [first, second] = exact === undefined ? found : [exact];
  if (first === undefined) {
    throw new ExpectedError(`cannot find flow run "${ref.text}": Prefect has none with this id or name`, {
      hint: "check the name, the tenant (--tenant-id) and the address (--api)",
    });
  }
  if (second === undefined) return first;
  throw new ExpectedError(`cannot find flow run "${ref.text}": several are called so`, {
    hint: `give the id of one: ${found.map((run) => run.id).join(", ")}`,
  });
}

/** The id of the flow run that a Job runs. Throws ExpectedError when there is no such Job, or it runs none. */
export async function runOfJob(
  kube: Pick<KubeApi, "get">,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<string> {
  const job = await kube.get("jobs", ref, signal);
  const where = `Job "${ref.name}" in namespace "${ref.namespace}"`;
  if (job === undefined) {
    throw new ExpectedError(`cannot find ${where}: there is none`, { hint: "choose the namespace with -n" });
  }
  const id = job.metadata.labels?.[FLOW_RUN_LABEL];
  if (id !== undefined && id !== "") return id;
  throw new ExpectedError(`cannot find the flow run of ${where}: the Job has no label ${FLOW_RUN_LABEL}`);
}

/** A prefix in the grouping of a UUID, however it was written. */
function withHyphens(prefix: string): string {
  const digits = prefix.replaceAll("-", "").toLowerCase();
  const groups = [8, 12, 16, 20, 32].map((end, at) => digits.slice([0, 8, 12, 16, 20][at], end));
  return groups.filter((group) => group !== "").join("-");
}
