// The Jobs and pods of a flow run, read from the API server: before what cannot be undone, the watches are not trusted.

import { FLOW_RUN_LABEL } from "../job/labels.ts";
import { listAll } from "../kube/client/api.ts";
import type { KindMap } from "../kube/client/objects.ts";
import type { AgentDeps } from "./deps.ts";
import type { AgentSettings } from "./settings.ts";

type ReadDeps = Pick<AgentDeps, "kube"> & { readonly settings: Pick<AgentSettings, "namespace"> };

/** The run's first object of the kind that `is` holds for. Throws KubeError. */
// oxlint-disable-next-line max-params -- in what, which objects of which run, and the question
export async function findObject<Kind extends "jobs" | "pods">(
  { kube, settings: { namespace } }: ReadDeps,
  kind: Kind,
  flowRunId: string,
  is: (object: KindMap[Kind]) => boolean,
): Promise<KindMap[Kind] | undefined> {
  const labelSelector = `${FLOW_RUN_LABEL}=${flowRunId}`;
  for await (const object of listAll(kube, kind, { namespace, labelSelector })) if (is(object)) return object;
  return undefined;
}

/** Whether it has one. Throws KubeError. */
export async function hasObject<Kind extends "jobs" | "pods">(
  ...question: Parameters<typeof findObject<Kind>>
): Promise<boolean> {
  return (await findObject(...question)) !== undefined;
}
